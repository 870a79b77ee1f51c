"""Sphinx's settings for the book; `build.py` collects the pages and calls it."""

project = "Fundus U-Net workbook"
author = "The fundus U-Net workbook's authors"
copyright = "the fundus U-Net workbook's authors. Code: MIT. Prose and figures: CC BY 4.0"
language = "en"
extensions = ["myst_nb", "rendering"]
highlight_language = "text"  # where nothing else is said, as in the fences of prose
smartquotes = False  # the text is the notebook's

# The outputs that are stored are shown: nothing runs.
nb_execution_mode = "off"
nb_merge_streams = True
nb_ipywidgets_js: dict[str, dict[str, str]] = {}  # they would be fetched from outside

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
myst_heading_slug_func = "rendering.jupyter_anchor"

html_theme = "sphinx_book_theme"
html_title = project
html_static_path = ["static"]
html_css_files = ["book.css"]
html_math_renderer = "mathml"  # see `rendering`: no script, no font, no network
html_context = {"default_mode": "auto"}  # light or dark, as the reader's computer
html_theme_options = {
    "navbar_persistent": [],  # the search stands in the sidebar
    "use_download_button": False,
    "use_fullscreen_button": False,
    "show_toc_level": 2,
    "footer_content_items": ["copyright.html", "extra-footer.html"],
    "extra_footer": "<p>For teaching and research, not for diagnosis.</p>",
}
html_copy_source = False
html_show_sourcelink = False
html_use_index = False
# A page that is opened as a file may not read other files: the search shows titles only.
html_show_search_summary = False
