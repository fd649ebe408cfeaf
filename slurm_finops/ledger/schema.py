"""The ledger's tables, as numbered steps.

SQLite 3.34 (RHEL 9) is the floor, so no STRICT tables: columns that carry
money say ``CHECK (typeof(x) = 'integer')`` themselves.
"""

from sqlite_utils import Database, Migrations

from slurm_finops.core.money import TICKS
from slurm_finops.core.tags import KEYS

steps = Migrations("slurm_finops")


def one_of(column: str, values: str) -> str:
    """A check that a column holds one of some words (or NULL, where it may).

    Not ``IN``: of three values or more SQLite makes a table anew for each
    statement, which doubled what an ``INSERT`` costs (measured on 3.40).
    """
    return f"CHECK ({' OR '.join(f'{column} = {value!r}' for value in values.split())})"


def money_check(column: str) -> str:
    """A column of ticks: an integer, or NULL where no rate applies."""
    return f"{column} INTEGER CHECK (typeof({column}) IN ('integer', 'null'))"


#: What a rate is, in the ledger's rates and in those that were imported.
RATE = """sku TEXT NOT NULL, match TEXT NOT NULL, rank INTEGER NOT NULL, start INTEGER NOT NULL,
  price_micros INTEGER NOT NULL CHECK (typeof(price_micros) = 'integer' AND price_micros >= 0),
  per INTEGER NOT NULL CHECK (per > 0), pricing TEXT NOT NULL"""

_TABLES = f"""
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE clusters (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE contexts (
  id INTEGER PRIMARY KEY,
  user TEXT NOT NULL, account TEXT NOT NULL, partition TEXT NOT NULL, qos TEXT NOT NULL,
  wckey TEXT NOT NULL, reservation TEXT NOT NULL,
  UNIQUE (user, account, partition, qos, wckey, reservation));
CREATE TABLE tres (id INTEGER PRIMARY KEY, alloc_tres TEXT NOT NULL UNIQUE);
-- content is a hash of the columns from team to source, so that finding a set
-- among millions costs one small index.
CREATE TABLE tag_sets (
  id INTEGER PRIMARY KEY,
  content INTEGER NOT NULL UNIQUE,
  {", ".join(f"{key} TEXT" for key in KEYS)},
  faults TEXT NOT NULL,
  source TEXT NOT NULL {one_of("source", "seal comment account rule none")},
  status TEXT {one_of("status", "valid invalid untagged")});

CREATE TABLE jobs (
  id INTEGER PRIMARY KEY,
  cluster_id INTEGER NOT NULL REFERENCES clusters (id),
  job_id_raw INTEGER NOT NULL, submit INTEGER NOT NULL,
  job_id TEXT NOT NULL, job_name TEXT NOT NULL,
  context_id INTEGER NOT NULL REFERENCES contexts (id),
  state TEXT NOT NULL, cancelled_by TEXT NOT NULL,
  start INTEGER, "end" INTEGER,
  elapsed INTEGER NOT NULL CHECK (elapsed >= 0), suspended INTEGER NOT NULL, timelimit INTEGER,
  tres_id INTEGER NOT NULL REFERENCES tres (id),
  node_list TEXT NOT NULL, exit_code TEXT NOT NULL,
  provisional INTEGER NOT NULL CHECK (provisional IN (0, 1)),
  comment TEXT NOT NULL, admin_comment TEXT NOT NULL,
  tag_set_id INTEGER NOT NULL REFERENCES tag_sets (id),
  claim INTEGER NOT NULL CHECK (claim BETWEEN 0 AND 2),
  held TEXT,
  UNIQUE (cluster_id, job_id_raw, submit));
-- Few runs stand in these; without them each night would look through all.
CREATE INDEX jobs_provisional ON jobs (cluster_id, submit) WHERE provisional = 1;
CREATE INDEX jobs_held ON jobs (cluster_id) WHERE held IS NOT NULL;

-- A run stands here when it must be priced again; its charges, if any, lie on
-- the days of [was_start, was_end).  New runs need no row: they are the ids
-- above the setting priced_through.
CREATE TABLE pricing_queue (
  job_id INTEGER PRIMARY KEY REFERENCES jobs (id), was_start INTEGER, was_end INTEGER);
CREATE TRIGGER jobs_changed AFTER UPDATE ON jobs
WHEN (NEW.start, NEW.elapsed, NEW.suspended, NEW.cluster_id, NEW.context_id, NEW.tres_id,
      NEW.tag_set_id, NEW.held)
  IS NOT (OLD.start, OLD.elapsed, OLD.suspended, OLD.cluster_id, OLD.context_id, OLD.tres_id,
      OLD.tag_set_id, OLD.held)
BEGIN
  INSERT INTO pricing_queue (job_id, was_start, was_end)
  VALUES (OLD.id, OLD.start, OLD.start + OLD.elapsed + OLD.suspended)
  ON CONFLICT (job_id) DO UPDATE SET
    was_start = min(ifnull(was_start, excluded.was_start), excluded.was_start),
    was_end = max(ifnull(was_end, excluded.was_end), excluded.was_end)
    WHERE excluded.was_start IS NOT NULL;
END;

CREATE TABLE skus (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, is_gpu INTEGER NOT NULL);
CREATE TABLE rates (
  id INTEGER PRIMARY KEY,
  {RATE},
  UNIQUE (sku, match, rank, start));
CREATE TABLE rate_cards (
  id INTEGER PRIMARY KEY,
  sku TEXT NOT NULL, match TEXT NOT NULL, rank INTEGER NOT NULL, pricing TEXT NOT NULL,
  UNIQUE (sku, match, rank, pricing));

-- usage_id is a jobs.id.  rate_card_id 0: no rate applies, and the costs are NULL.
CREATE TABLE charges (
  day INTEGER NOT NULL,
  usage_id INTEGER NOT NULL,
  sku_id INTEGER NOT NULL REFERENCES skus (id),
  rate_card_id INTEGER NOT NULL,
  tag_set_id INTEGER NOT NULL REFERENCES tag_sets (id),
  quantity INTEGER NOT NULL, seconds INTEGER NOT NULL,
  {money_check("list_ticks")},
  {money_check("contracted_ticks")},
  {money_check("effective_ticks")},
  {money_check("billed_ticks")},
  CHECK ((rate_card_id = 0) = (billed_ticks IS NULL)),
  PRIMARY KEY (day, usage_id, sku_id, rate_card_id)) WITHOUT ROWID;
CREATE INDEX charges_unpriced ON charges (day) WHERE rate_card_id = 0;

CREATE TABLE ingest_runs (
  id INTEGER PRIMARY KEY,
  source TEXT NOT NULL, cluster TEXT NOT NULL, since INTEGER, until INTEGER,
  automatic INTEGER NOT NULL CHECK (automatic IN (0, 1)),
  started_at INTEGER NOT NULL, finished_at INTEGER,
  status TEXT NOT NULL {one_of("status", "running complete failed")},
  records INTEGER NOT NULL DEFAULT 0, new INTEGER NOT NULL DEFAULT 0,
  changed INTEGER NOT NULL DEFAULT 0, problems INTEGER NOT NULL DEFAULT 0, detail TEXT);
CREATE TABLE problems (
  id INTEGER PRIMARY KEY,
  source TEXT NOT NULL, text TEXT NOT NULL, reason TEXT NOT NULL,
  first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL,
  settled_at INTEGER, settled_why TEXT,
  UNIQUE (source, text, reason));

CREATE TABLE outbox (
  id INTEGER PRIMARY KEY,
  report TEXT NOT NULL, period TEXT NOT NULL, recipient TEXT NOT NULL,
  status TEXT NOT NULL {one_of("status", "queued sending sent unknown failed")},
  message_id TEXT NOT NULL UNIQUE, subject TEXT NOT NULL, message BLOB NOT NULL,
  queued_at INTEGER NOT NULL, tried_at INTEGER, sent_at INTEGER,
  tries INTEGER NOT NULL DEFAULT 0, detail TEXT,
  UNIQUE (report, period, recipient));

CREATE TABLE audit (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL, detail TEXT NOT NULL);
CREATE TRIGGER audit_kept_1 BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_kept_2 BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
"""


def statements(script: str) -> list[str]:
    """A script's statements; a trigger's own semicolons do not end it."""
    import sqlite3

    found, text = [], ""
    for line in script.splitlines(keepends=True):
        text += line
        if text.strip() and sqlite3.complete_statement(text):
            found.append(text.strip())
            text = ""
    return found


@steps(name="0001_spine")
def _spine(db: Database) -> None:
    for statement in statements(_TABLES):
        db.conn.execute(statement)


DAY_TEXT = "date(day * 86400, 'unixepoch')"


def decimal(column: str) -> str:
    """Ticks as a number for people's eyes; sums of money are made from the ticks."""
    return f"round({column} / {TICKS}.0, 6)"


@steps(name="0002_views")
def _views(db: Database) -> None:
    db.create_view(
        "runs",
        f"""SELECT jobs.id AS run, clusters.name AS cluster, job_id, job_id_raw,
          datetime(submit, 'unixepoch') AS submit, job_name, user, account, partition, qos, wckey,
          reservation, state, datetime(start, 'unixepoch') AS start,
          datetime("end", 'unixepoch') AS "end", elapsed, suspended, alloc_tres, node_list,
          exit_code, {", ".join(KEYS)}, source AS tag_source, status AS tag_status, faults,
          provisional, held, comment, admin_comment
        FROM jobs JOIN clusters ON clusters.id = cluster_id
          JOIN contexts ON contexts.id = context_id JOIN tres ON tres.id = tres_id
          JOIN tag_sets ON tag_sets.id = tag_set_id""",
    )
    db.create_view(
        "costs",
        f"""SELECT {DAY_TEXT} AS day, usage_id AS run, clusters.name AS cluster, job_id, user,
          account, partition, qos, state, {", ".join(KEYS)}, source AS tag_source,
          status AS tag_status, skus.name AS sku,
          ifnull(pricing, 'unpriced') AS pricing, quantity, seconds,
          CASE WHEN is_gpu THEN quantity * seconds ELSE 0 END AS gpu_seconds,
          {decimal("list_ticks")} AS list_cost,
          {decimal("contracted_ticks")} AS contracted_cost,
          {decimal("effective_ticks")} AS effective_cost,
          {decimal("billed_ticks")} AS billed_cost
        FROM charges JOIN jobs ON jobs.id = usage_id JOIN clusters ON clusters.id = cluster_id
          JOIN contexts ON contexts.id = context_id JOIN skus ON skus.id = sku_id
          JOIN tag_sets ON tag_sets.id = charges.tag_set_id
          LEFT JOIN rate_cards ON rate_cards.id = rate_card_id""",
    )


@steps(name="0003_seen_live")
def _seen_live(db: Database) -> None:
    # what the controller showed of jobs that are not in `jobs` yet, or have not ended
    db.conn.execute(
        """CREATE TABLE seen_live (
          cluster_id INTEGER NOT NULL REFERENCES clusters (id),
          job_id_raw INTEGER NOT NULL, submit INTEGER NOT NULL,
          comment TEXT NOT NULL, admin_comment TEXT NOT NULL,
          claim INTEGER NOT NULL CHECK (claim BETWEEN 0 AND 2), seen INTEGER NOT NULL,
          PRIMARY KEY (cluster_id, job_id_raw, submit)) WITHOUT ROWID"""
    )


_IMPORTS = f"""
-- One row an import that changed something; several may have one name.
CREATE TABLE rate_imports (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL, format TEXT NOT NULL, options TEXT NOT NULL,
  at INTEGER NOT NULL, actor TEXT NOT NULL, rates INTEGER NOT NULL);
CREATE TABLE rate_import_files (
  import_id INTEGER NOT NULL REFERENCES rate_imports (id),
  file TEXT NOT NULL, sha256 TEXT NOT NULL,
  PRIMARY KEY (import_id, file, sha256)) WITHOUT ROWID;
-- An input beside [[rates]]; `rates` has those by which charges were made.
-- origin: what a price is of; prices of two origins never make one series.
CREATE TABLE imported_rates (
  {RATE},
  import_id INTEGER NOT NULL REFERENCES rate_imports (id), origin TEXT NOT NULL,
  PRIMARY KEY (sku, match, rank, start)) WITHOUT ROWID;
"""


@steps(name="0004_imported_rates")
def _imported_rates(db: Database) -> None:
    for statement in statements(_IMPORTS):
        db.conn.execute(statement)


def _units(money: str) -> str:
    """Units and ticks as a number for people's eyes."""
    return f"round({money}_units + {money}_ticks / {TICKS}.0, 6)"


#: What a row of ``allocations`` is: a pool's cost borne by use, or by nobody's use and so
#: spread; use beyond a pool, at its list price; what a pool's purchase bills; what shared
#: services cost, taken off them, and put on others; a line beside compute; a credit.
CATEGORIES = "share unused beyond purchase shared overhead line credit"


@steps(name="0005_allocations")
def _allocations(db: Database) -> None:
    # An origin is a pool, an overhead rule, a line or a credit; definition is the whole
    # of what it says, so that a change is seen.  A row is an owner's part of what an
    # origin came to over a window of days, and of_* that whole, so that the parts over a
    # window add to 1.  Money is in whole units of currency and ticks beside them: a pool's
    # month in won passes 64 bits of ticks.
    for statement in statements(
        f"""
        CREATE TABLE origins (
          id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
          sku TEXT NOT NULL, definition TEXT NOT NULL,
          first INTEGER NOT NULL, last INTEGER);
        CREATE TABLE allocations (
          day INTEGER NOT NULL,
          origin_id INTEGER NOT NULL REFERENCES origins (id),
          category TEXT NOT NULL {one_of("category", CATEGORIES)},
          tag_set_id INTEGER NOT NULL REFERENCES tag_sets (id),
          cluster_id INTEGER NOT NULL, partition TEXT NOT NULL,
          method TEXT NOT NULL, window INTEGER NOT NULL, unit_seconds INTEGER NOT NULL,
          {", ".join(
              f"{part} INTEGER NOT NULL CHECK (typeof({part}) = 'integer')"
              for money in ("of", "effective", "billed")
              for part in (f"{money}_units", f"{money}_ticks")
          )},
          PRIMARY KEY (day, origin_id, category, tag_set_id, cluster_id, partition)) WITHOUT ROWID;
        -- days whose charges have changed since they were allocated
        CREATE TABLE unallocated_days (day INTEGER PRIMARY KEY);
        INSERT INTO unallocated_days SELECT DISTINCT day FROM charges;
        """
    ):
        db.conn.execute(statement)
    db.create_view(
        "shares",
        f"""SELECT {DAY_TEXT} AS day, origins.name AS origin, origins.kind AS kind, category,
          method, clusters.name AS cluster, nullif(partition, '') AS partition,
          {", ".join(KEYS)}, unit_seconds,
          {_units("effective")} AS effective_cost, {_units("billed")} AS billed_cost,
          date(window * 86400, 'unixepoch') AS window, {_units("of")} AS of_cost
        FROM allocations JOIN origins ON origins.id = origin_id
          LEFT JOIN clusters ON clusters.id = cluster_id
          JOIN tag_sets ON tag_sets.id = tag_set_id""",
    )


_CAPACITY = """
-- Up to where nodes and events of a cluster are known: the first and the last time that its
-- nodes were seen, and the last that its events were asked for.
CREATE TABLE nodes_seen (
  cluster_id INTEGER PRIMARY KEY REFERENCES clusters (id),
  first INTEGER, last INTEGER, events_through INTEGER);
-- What a node had of a SKU from when it was seen so, until it was seen otherwise (NULL: it
-- has it still).  partitions: their names, sorted, with a comma between.
CREATE TABLE node_capacity (
  cluster_id INTEGER NOT NULL REFERENCES clusters (id),
  node TEXT NOT NULL, sku TEXT NOT NULL, start INTEGER NOT NULL, until INTEGER,
  units INTEGER NOT NULL CHECK (typeof(units) = 'integer' AND units >= 0),
  partitions TEXT NOT NULL,
  PRIMARY KEY (cluster_id, node, sku, start)) WITHOUT ROWID;
-- Accounting's events; node '' is of the whole cluster, and tres what it had in all.
CREATE TABLE node_events (
  cluster_id INTEGER NOT NULL REFERENCES clusters (id),
  node TEXT NOT NULL, start INTEGER NOT NULL, until INTEGER,
  state TEXT NOT NULL, tres TEXT NOT NULL,
  PRIMARY KEY (cluster_id, node, start)) WITHOUT ROWID;
-- Of a pool whose capacity is Slurm's: what there was on a day, and what of the part that
-- was not used was down (NULL: not known).
CREATE TABLE pool_days (
  day INTEGER NOT NULL, origin_id INTEGER NOT NULL REFERENCES origins (id),
  capacity_seconds INTEGER NOT NULL, down_seconds INTEGER,
  PRIMARY KEY (day, origin_id)) WITHOUT ROWID;
"""


@steps(name="0006_capacity")
def _capacity(db: Database) -> None:
    for statement in statements(_CAPACITY):
        db.conn.execute(statement)


@steps(name="0007_imported_lines")
def _imported_lines(db: Database) -> None:
    # An input beside [[lines]], kept as `rate_imports` and `imported_rates` are.  A line has
    # an owner (tags, as JSON) or is spread (as JSON); place is the file and line it stood on.
    for statement in statements(
        """
        CREATE TABLE line_imports (
          id INTEGER PRIMARY KEY,
          name TEXT NOT NULL, format TEXT NOT NULL, options TEXT NOT NULL,
          at INTEGER NOT NULL, actor TEXT NOT NULL, lines INTEGER NOT NULL);
        CREATE TABLE line_import_files (
          import_id INTEGER NOT NULL REFERENCES line_imports (id),
          file TEXT NOT NULL, sha256 TEXT NOT NULL,
          PRIMARY KEY (import_id, file, sha256)) WITHOUT ROWID;
        CREATE TABLE imported_lines (
          name TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER CHECK (last > first),
          amount_micros INTEGER NOT NULL
            CHECK (typeof(amount_micros) = 'integer' AND amount_micros >= 0),
          every TEXT NOT NULL, category TEXT NOT NULL, owner TEXT, spread TEXT NOT NULL,
          place TEXT NOT NULL, import_id INTEGER NOT NULL REFERENCES line_imports (id),
          PRIMARY KEY (name, first)) WITHOUT ROWID;
        """
    ):
        db.conn.execute(statement)
