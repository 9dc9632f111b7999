"""DuckDB over the store's tables, locked: an expression or a query reads them and nothing else."""

import duckdb
import pandas as pd

from workbench.errors import BadInput


def filtered(frame: pd.DataFrame, expression: str | None) -> pd.DataFrame:
    """Rows of `frame` for which a DuckDB boolean expression holds."""
    if expression is None:
        return frame
    connection = duckdb.connect(config={"enable_external_access": "false"})
    try:
        connection.register("frame", frame)
        return connection.execute(f"SELECT * FROM frame WHERE ({expression})").df()
    except duckdb.Error as error:
        raise BadInput(f"where = {expression!r}: {str(error).splitlines()[0]}") from error
    finally:
        connection.close()
