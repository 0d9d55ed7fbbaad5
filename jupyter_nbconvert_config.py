"""Settings to save a lesson as HTML: `jupyter nbconvert --to html notebooks/07_mistral_and_mixtral.ipynb`.

nbconvert reads this file if it is called in this folder. The page needs no network. Its colours and its
underlined links suit readers with weak eyesight.
"""

from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor

c = get_config()  # noqa: F821

# Some of nbconvert's colours have a contrast under 4.5:1, too little for small text. nbconvert's links differ
# from other text only in colour. Colours set for `body` override those that the theme sets for `:root`.
STYLE = """
body {
  --jp-mirror-editor-comment-color: #2f6868;
  --jp-mirror-editor-number-color: #006e00;
  --jp-mirror-editor-operator-color: #8a00d4;
}
.jp-InputPrompt, .jp-OutputPrompt { color: #616161 !important; opacity: 1 !important }
.jp-RenderedHTMLCommon a { text-decoration: underline !important }
@media (max-width: 600px) {
  .jp-RenderedMarkdown table { table-layout: fixed; width: 100%; overflow-wrap: anywhere; margin: 0 }
  .jp-RenderedMarkdown :is(th, td) { padding: 2px !important }
}
"""


class ForEveryone(CSSHTMLHeaderPreprocessor):
    def preprocess(self, notebook, resources):
        notebook, resources = super().preprocess(notebook, resources)
        resources["inlining"]["css"].append(STYLE)
        return notebook, resources


c.HTMLExporter.preprocessors = [ForEveryone]
c.CSSHTMLHeaderPreprocessor.enabled = False  # it would run after ForEveryone, and drop STYLE
c.ForEveryone.enabled = True
# No stored output has a formula or a live widget, so the page needs no scripts from other servers.
c.HTMLExporter.require_js_url = c.HTMLExporter.mathjax_url = "data:text/javascript,"
