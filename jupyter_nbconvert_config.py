"""A lesson as a page to read: `jupyter nbconvert --to html notebooks/07_mistral_and_mixtral.ipynb`.

Read by nbconvert when it is called in this folder. The page needs no network, and can be read by everyone.
"""

from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor

c = get_config()  # noqa: F821

# nbconvert's own colours are too pale for small text on their grounds, under 4.5:1, and its links are known
# by their colour alone. What is set for `body` goes before the theme, which speaks of `:root`.
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
c.CSSHTMLHeaderPreprocessor.enabled = False  # it would come after it, and begin the list anew
c.ForEveryone.enabled = True
# No lesson has a formula or a live widget in its stored outputs; the page asks for no script from elsewhere.
c.HTMLExporter.require_js_url = c.HTMLExporter.mathjax_url = "data:text/javascript,"
