"""What Sphinx needs for the book: formulas without a network, words for pictures, anchors."""

import re
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util.logging import getLogger

LOGGER = getLogger(__name__)
THIN = '<mspace width="0.17em"></mspace>'
NAMED = re.compile(r"(<mi>\w\w+</mi>)(?=\s*<mo>&ApplyFunction;</mo>)")  # ln, max


def jupyter_anchor(title: str) -> str:
    """Return the anchor that JupyterLab gives to a heading: links in notebooks use it."""
    return title.replace(" ", "-")


def mathml(formula: str, block: bool) -> str:
    """Return a LaTeX formula as MathML, which browsers draw and read aloud by themselves.

    Args:
        formula: without the dollar signs.
        block: it stands on a line of its own.

    Raises:
        MathError: the formula holds something that docutils does not know.
    """
    drawn = tex2mathml(formula, as_block=block)
    drawn = NAMED.sub(rf"{THIN}\1{THIN}", drawn)  # as TeX does
    return drawn.replace("<math ", f"<math alttext={quoteattr(formula.strip())} ", 1)


def visit_formula(translator: Any, node: nodes.Element) -> None:
    """Write a formula, within a line or as a block, to the page."""
    block = isinstance(node, nodes.math_block)
    formula = node.astext()
    try:
        drawn = mathml(formula, block)
    except MathError as error:
        LOGGER.warning(f"the formula ${formula}$ cannot be drawn: {error}", location=node)
        drawn = f"<code>{escape(formula)}</code>"
    translator.body.append(f'<div class="formula">{drawn}</div>\n' if block else drawn)
    raise nodes.SkipNode


def give_words(app: Sphinx, doctree: nodes.document) -> None:
    """Give each picture among the outputs its alternative text: what is stored beside it as text.

    myst-nb keeps all forms of an output in one bundle until it knows which of them is shown.
    """
    for bundle in doctree.findall(nodes.container):
        if bundle.get("nb_element") != "mime_bundle":
            continue
        forms = {form.get("mime_type"): form for form in bundle.children}
        words = forms.get("text/plain")
        for picture in bundle.findall(nodes.image):
            picture["alt"] = " ".join(words.astext().split()) if words else ""


def tell_language(app: Sphinx, page: str, template: str, context: dict[str, Any], *_: Any) -> None:
    """Say that a Chinese page is Chinese: readers aloud, fonts and hyphens go by it."""
    if page.endswith("zh-CN"):
        context["language"] = "zh-CN"


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx of the above."""
    app.add_html_math_renderer("mathml", (visit_formula, None), (visit_formula, None))
    app.connect("doctree-read", give_words)
    app.connect("html-page-context", tell_language)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
