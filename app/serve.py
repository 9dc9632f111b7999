"""The server's process: what the pages need is imported before it listens, so that no page is kept waiting for it.

python -m workbench.app.serve run MAIN.PY [OPTIONS OF STREAMLIT] -- STORE
"""

from streamlit.web import cli

from workbench.analyses import views


def main() -> None:
    """Import what draws the views, then be Streamlit."""
    views.names()
    cli.main(prog_name="streamlit")


if __name__ == "__main__":
    main()
