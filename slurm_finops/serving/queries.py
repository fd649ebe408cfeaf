"""The questions that have a name: SQL over a snapshot, each with a title and its parameters.

An empty parameter means all, or the newest.  Money is added up in whole minor units and
said by ``money``, a function that the server gives SQLite.
"""

from typing import NamedTuple

from slurm_finops.reports.insight import CAUSES


class Query(NamedTuple):
    """A named query; ``needs`` is a column of a table that it cannot do without."""

    name: str
    title: str
    says: str
    params: tuple[str, ...]
    sql: str
    needs: tuple[str, str] = ("about", "made")


_NEWEST = "coalesce(nullif(trim(:month), ''), (SELECT max(month) FROM months))"
_MONTH = f"month = {_NEWEST}"
_TEAM = "(trim(:team) = '' OR team = trim(:team))"
#: What a page counts as waste.
_CAUSES = ", ".join(f"'{state}'" for state in CAUSES)
_EMPTY = "Leave the month empty for the newest, and the team for all."

QUERIES: tuple[Query, ...] = (
    Query(
        "spend_by_team", "Spend by team",
        "What each team spent in a month, the costliest first: shares of pools, lines and credits "
        "included, to the cent as in slurm-finops report. Leave the month empty for the newest.",
        ("month",),
        f"""SELECT month, team, runs, gpu_hours, list_cost, effective_cost, billed_cost
FROM teams WHERE {_MONTH}
ORDER BY effective_minor DESC, rowid""",
    ),
    Query(
        "spend_by_project", "Spend by project",
        f"What each project spent in a month, the costliest first. {_EMPTY}",
        ("month", "team"),
        f"""SELECT month, team, project, runs, gpu_hours, effective_cost, billed_cost
FROM projects WHERE {_MONTH} AND {_TEAM}
ORDER BY effective_minor DESC, rowid""",
    ),
    Query(
        "costliest_experiments", "Costliest experiments",
        f"The 100 experiments of a month that cost most. {_EMPTY}",
        ("month", "team"),
        f"""SELECT month, team, project, experiment, runs, gpu_hours, effective_cost
FROM experiments WHERE {_MONTH} AND {_TEAM}
ORDER BY effective_minor DESC, rowid LIMIT 100""",
    ),
    Query(
        "waste", "Waste",
        "What runs cost that did not end well: failed, cancelled, out of time or memory, "
        f"preempted, lost with their node; as pages count it. {_EMPTY}",
        ("month", "team"),
        f"""SELECT endings.month, state, team, endings.runs, endings.gpu_hours,
  endings.effective_cost,
  printf('%.1f%%', 100.0 * endings.effective_minor / nullif(teams.effective_minor, 0))
    AS share_of_team
FROM endings JOIN teams USING (month, team)
WHERE endings.{_MONTH} AND {_TEAM}
  AND state IN ({_CAUSES})
ORDER BY endings.effective_minor DESC, endings.rowid""",
    ),
    Query(
        "what_to_type", "Tags to mend",
        "Tags that are missing or wrong, the costliest kinds first, with what to give sbatch next "
        f"time. {_EMPTY}",
        ("month", "team"),
        f"""SELECT month, team, wrong, type, runs, effective_cost{{people}}
FROM to_mend WHERE {_MONTH} AND {_TEAM}
ORDER BY effective_minor DESC, rowid""",
    ),
    Query(
        "untagged_runs", "Untagged and invalid runs",
        "The 500 costliest runs that started in a month with tags missing or wrong, and what to "
        f"give sbatch next time. {_EMPTY}",
        ("month", "team"),
        f"""SELECT run, cluster, job_id, {{user}}start, state, effective_cost, wrong, type
FROM runs WHERE tag_status IN ('untagged', 'invalid') AND {_MONTH}
  AND (trim(:team) = '' OR ifnull(team, '(untagged)') = trim(:team))
ORDER BY effective_minor DESC, run LIMIT 500""",
    ),
    Query(
        "runs_of_user", "Runs of a user",
        "The 500 costliest runs of a user that started in a month. Leave the month empty for the "
        "newest.",
        ("user", "month"),
        f"""SELECT run, cluster, job_id, job_name, effective_cost, state, start, "end", gpus,
  gpu_hours, team, project, experiment
FROM runs WHERE user = trim(:user) AND {_MONTH}
ORDER BY effective_minor DESC, run LIMIT 500""",
        ("runs", "user"),
    ),
    Query(
        "since_yesterday", "What yesterday cost",
        "Each team's cost on a day, on the day before, and a week before; the greatest change "
        "first. Leave the day empty for the last whole day.",
        ("day",),
        """WITH asked AS (SELECT coalesce(nullif(trim(:day), ''),
    (SELECT max(day) FROM days WHERE day < (SELECT today FROM about))) AS day),
costs AS (SELECT team,
    sum(CASE WHEN days.day = asked.day THEN runs ELSE 0 END) AS runs,
    sum(CASE WHEN days.day = asked.day THEN effective_minor ELSE 0 END) AS now,
    sum(CASE WHEN days.day = date(asked.day, '-1 day') THEN effective_minor ELSE 0 END) AS before,
    sum(CASE WHEN days.day = date(asked.day, '-7 days') THEN effective_minor ELSE 0 END) AS week
  FROM days, asked
  WHERE days.day IN (asked.day, date(asked.day, '-1 day'), date(asked.day, '-7 days'))
  GROUP BY team)
SELECT asked.day, team, runs, money(now) AS effective_cost, money(before) AS day_before_cost,
  money(now - before) AS change_cost, money(week) AS week_before_cost
FROM costs, asked
ORDER BY abs(now - before) DESC, team""",
    ),
    Query(
        "what_changed", "What changed since yesterday",
        "What was done to the ledger: runs collected, prices, policies, credits and lines changed. "
        "Leave the time empty for all since yesterday began.",
        ("since",),
        """SELECT * FROM log
WHERE at >= coalesce(nullif(trim(:since), ''), (SELECT date(today, '-1 day') FROM about))
ORDER BY at DESC LIMIT 500""",
    ),
    Query(
        "budgets_of_month", "Budgets",
        "How the budgets of a month, a fiscal year and days of their own stood in a month: what "
        "was spent, what is left, and what is expected by the end. Leave the month empty for the "
        "newest.",
        ("month",),
        f"""SELECT month, team, project, kind, name, "until", budget, spent, left, used, forecast,
  used_up, used_up_at_worst
FROM budgets WHERE {_MONTH} ORDER BY rowid""",
    ),
)  # fmt: skip


def queries(people: str) -> tuple[Query, ...]:
    """The queries of a site that shows ``people`` as names, pseudonyms or none."""
    user, who = ("user, ", ", people") if people == "names" else ("", "")
    return tuple(
        query._replace(sql=query.sql.replace("{user}", user).replace("{people}", who))
        for query in QUERIES if people == "names" or query.needs != ("runs", "user")
    )  # fmt: skip
