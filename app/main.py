"""The app's entry: `streamlit run app/main.py -- STORE`, which is what `workbench app STORE` does.

The path after `--` is the store; without it the reference store that the package ships is shown. The app only reads.
A new page is one file in `views/` and one line in `PAGES`.
"""

from pathlib import Path

import streamlit as st

from workbench.analyses import views
from workbench.app import data, show
from workbench.errors import WorkbenchError
from workbench.reporting.figures.pieces import plural

# File in `views/` → what the navigation calls it; the first is the home page.
PAGES = {
    "overview": "Overview",
    "live": "Live sweep",
    "runs": "Runs",
    "curves": "Curves",
    "laws": "Laws",
    "what_if": "What if",
    "emergence": "Emergence",
    "compare": "Compare",
    "models": "Models",
    "next": "Next",
}


def main() -> None:
    """Choose the store and the sweep, then run the page; whatever is wrong with the store is said in a sentence."""
    st.set_page_config(page_title="Scaling law workbench", layout="wide")
    pages = [
        st.Page(f"views/{name}.py", title=title, default=index == 0)
        for index, (name, title) in enumerate(PAGES.items())
    ]
    page = st.navigation(pages)
    try:
        folder = data.store_folder()
        _sidebar(folder)
        page.run()
    except (WorkbenchError, OSError) as error:
        show.trouble(error)


def _sidebar(folder: str) -> None:
    """Which store is shown, and which of its sweeps."""
    with st.sidebar:
        st.caption("Store")
        st.code(views.where(Path(folder)), language=None, wrap_lines=True)
        names = data.sweep_names()
        if len(names) > 1:
            st.selectbox("Sweep", [*names, data.EVERYTHING], key="sweep", bind="query-params")
        many = len(data.selected().runs)
        st.caption(f"{plural(many, 'run')} shown. Nothing here writes to the store.")
        readme = Path(folder) / "README.md"
        if readme.is_file():
            with st.expander("About this store"):
                st.text(readme.read_text(encoding="utf-8", errors="replace"))


main()
