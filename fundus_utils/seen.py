"""No photograph on both sides: what a model learned from is kept in its card, and met again here.

A photograph is known by the checksum of its pixels, so that a copy under another name is the same
one; a patient by name within a data set, so that a child's other eye counts too.
"""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from .data import FundusSet, read_photograph
from .errors import FundusError
from .photograph import photograph_checksum

FITTED = "fitted"  # the weights learned from it
JUDGED = "judged"  # epoch and threshold were chosen by it
SAME_PATIENT = "same patient"  # another photograph of somebody whom the model knows


def seen_entries(parts: Sequence[FundusSet], role: str) -> list[dict[str, str]]:
    """Return what a card keeps of the photographs of some parts.

    Args:
        parts: of data sets.
        role: FITTED or JUDGED.

    Returns:
        For each photograph set (the kind, such as `drive` or `folder`), name, patient, role and
        sha256.
    """
    return [
        {
            "set": part.name.partition(":")[0],
            "name": record.name,
            "patient": record.patient,
            "role": role,
            "sha256": photograph_checksum(read_photograph(record.photograph)),
        }
        for part in parts
        for record in part.records
    ]


def all_seen(card: dict[str, Any]) -> list[dict[str, str]]:
    """Return the photographs that a model or one of its ancestors has seen; the latter first.

    Args:
        card: a model's; one of a version that did not keep them has none.
    """
    before = [entry for one in card.get("ancestors", []) for entry in one.get("seen", [])]
    return [*before, *card.get("seen", [])]


def judged_though_fitted(card: dict[str, Any]) -> list[str]:
    """Return the photographs that a model was judged by, and that it or an ancestor learned from.

    Args:
        card: the model's.

    Returns:
        Their names; none where validation is what it should be.
    """
    fitted = {entry["sha256"] for entry in all_seen(card) if entry["role"] == FITTED}
    own = card.get("seen", [])
    judged = [entry for entry in own if entry["role"] == JUDGED]
    return [entry["name"] for entry in judged if entry["sha256"] in fitted]


def is_kept(card: dict[str, Any]) -> bool:
    """Say whether a card, and those of its ancestors, keep what was seen."""
    return all("seen" in one for one in [card, *card.get("ancestors", [])])


def met_again(card: dict[str, Any], part: FundusSet) -> pd.Series:
    """Return which photographs of a part a model has seen, and how.

    In two folders of the reader's own, patients of one name may be two people. There a patient is
    known only where one of the photographs is met.

    Args:
        card: the model's.
        part: what it is going to be measured on.

    Returns:
        FITTED, JUDGED or SAME_PATIENT by the photograph's name; those that are new are left out.
    """
    roles: dict[str, str] = {}
    patients: set[tuple[str, str]] = set()
    for entry in all_seen(card):
        if roles.get(entry["sha256"]) != FITTED:
            roles[entry["sha256"]] = entry["role"]
        patients.add((entry["set"], entry["patient"]))
    kind = part.name.partition(":")[0]
    known = {}
    for record in part.records:
        known[record.name] = roles.get(photograph_checksum(read_photograph(record.photograph)))
    people = {record.patient for record in part.records if known[record.name]}
    if kind != "folder":
        people |= {patient for of_set, patient in patients if of_set == kind}
    found = {}
    for record in part.records:
        if role := known[record.name]:
            found[record.name] = role
        elif record.patient in people:
            found[record.name] = SAME_PATIENT
    return pd.Series(found, dtype=str, name="seen")


def refuse_seen(found: pd.Series, part: FundusSet, model: str = "the model") -> None:
    """Raise FundusError if a model has seen a photograph of a part, or another of its patients.

    Args:
        found: which of them, see `met_again`.
        part: what it is going to be measured on.
        model: how to call it.
    """
    if found.empty:
        return
    named = ", ".join(f"{name} ({how})" for name, how in found[:4].items())
    more = f" and {len(found) - 4} more" if len(found) > 4 else ""
    problem = (
        f"{model} has seen {len(found)} of {len(part)} photographs of {part.name}, "
        f"part {part.part!r}: {named}{more}"
    )
    advice = "its figures there would flatter: measure another part, or say --seen to mark them"
    raise FundusError(problem, advice)
