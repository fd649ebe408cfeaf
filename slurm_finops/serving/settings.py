"""What Datasette is told: titles and descriptions, the named queries, what is allowed."""

from pathlib import Path
from typing import Any, NamedTuple

from slurm_finops.serving.layout import DATABASE, tables
from slurm_finops.serving.queries import queries

TITLE = "GPU spend"
#: Where our own style and script are, below the base URL.
ASSETS = "-/finops"
_TEMPLATES = Path(__file__).parents[1] / "templates" / "datasette"


class Serving(NamedTuple):
    """One snapshot as it is served; ``sql`` is whether questions of one's own may be asked."""

    snapshot: str
    people: str
    digits: int
    sql: bool = False
    base_url: str = "/"

    def datasette(self) -> dict[str, Any]:
        """The arguments of `datasette.app.Datasette`."""
        return {
            "files": [],
            "immutables": [self.snapshot],
            "metadata": metadata(self.people),
            "settings": {
                "base_url": self.base_url,
                "default_allow_sql": self.sql,
                # what is a file of its own leaves the building more easily
                "allow_download": False,
                # nothing of it is to stay in a proxy
                "default_cache_ttl": 0,
                "truncate_cells_html": 200,
                "default_page_size": 50,
            },
            "template_dir": str(_TEMPLATES),
            "static_mounts": [(ASSETS, str(_TEMPLATES / "assets"))],
        }


def metadata(people: str) -> dict[str, Any]:
    """Datasette's metadata: every table, column and query with what is said of it."""
    return {
        "title": TITLE,
        "databases": {
            DATABASE: {
                "title": f"{TITLE}: all tables and queries",
                "tables": {
                    table.name: {
                        "title": table.title,
                        "description": table.says,
                        "columns": {column.name: column.says for column in table.shown(people)},
                        "sort_desc": table.order,
                    }
                    for table in tables(people)
                },
                "queries": {
                    query.name: {
                        "sql": query.sql,
                        "title": query.title,
                        "description": query.says,
                        "params": list(query.params),
                    }
                    for query in queries(people)
                },
            }
        },
    }
