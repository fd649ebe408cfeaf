// Sorts and filters the tables of a page, exactly: by whole numbers that stand in the cells.
// Without it all is there, in the order of the figures.
"use strict";
(() => {
  const about = document.querySelector("main").dataset;
  const collator = new Intl.Collator(undefined, { numeric: true });
  const plain = text => text.normalize("NFKC").toLowerCase();

  // Minor units as the page's locale writes them: the digits fill a long figure from its right.
  const figure = minor => {
    const below = minor < 0n;
    const digits = String(below ? -minor : minor).padStart(Number(about.digits) + 1, "0");
    let left = digits.length, text = "";
    for (const sign of [...about.sample].reverse()) {
      if (!left) break;
      text = (/\d/.test(sign) ? digits[--left] : sign) + text;
    }
    return (below ? about.minus : "") + digits.slice(0, left) + text;
  };

  const value = cell => {
    const { n, t } = cell.dataset;
    if (n !== undefined) return BigInt(n);
    if (t !== undefined) return t;
    return cell.classList.contains("number") ? null : cell.textContent.trim();
  };
  const compare = (a, b) => typeof a === "string" && typeof b === "string"
    ? collator.compare(a, b) : a < b ? -1 : a > b ? 1 : 0;

  const tables = [...document.querySelectorAll(".wide > table")].map(table => {
    const body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
    const said = document.createElement("p");
    said.className = "soft shown";
    said.hidden = true;
    table.parentElement.before(said);
    return {
      body, heads, said, box: table.parentElement,
      rows: [...body.rows].filter(row => !row.classList.contains("rest")),
      rest: [...body.rows].filter(row => row.classList.contains("rest")),
      sum: heads.findIndex(head => "sum" in head.dataset),
    };
  });

  // What has no figure comes last, whichever way; equals keep their order.
  const sort = (table, at) => {
    const head = table.heads[at], was = head.getAttribute("aria-sort");
    const first = head.classList.contains("number") ? "descending" : "ascending";
    const other = first === "descending" ? "ascending" : "descending";
    const way = was === first ? other : first, sign = way === "ascending" ? 1 : -1;
    table.heads.forEach(one => one.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", way);
    const keyed = table.rows.map(row => [value(row.cells[at]), row]);
    keyed.sort(([a], [b]) => a === null || b === null
      ? (a === null) - (b === null) : sign * compare(a, b));
    table.rows = keyed.map(([, row]) => row);
    table.body.append(...table.rows, ...table.rest);
  };

  for (const table of tables) {
    if (table.rows.length < 2) continue;
    table.heads.forEach((head, at) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      button.addEventListener("click", () => sort(table, at));
      head.append(button);
    });
  }

  const find = document.querySelector(".find");
  const input = find.querySelector("input"), status = find.querySelector("[role=status]");
  const total = (table, rows) => rows.reduce((sum, row) => {
    const n = row.cells[table.sum].dataset.n;
    return n === undefined ? sum : sum + BigInt(n);
  }, 0n);

  const filter = () => {
    const words = plain(input.value).split(/\s+/).filter(Boolean);
    let found = 0, all = 0;
    for (const table of tables) {
      const kept = table.rows.filter(row => {
        const text = plain(row.textContent);
        const fits = words.every(word => text.includes(word));
        row.classList.toggle("out", !fits);
        return fits;
      });
      table.rest.forEach(row => row.classList.toggle("out", words.length > 0));
      table.box.classList.toggle("out", words.length > 0 && !kept.length);
      table.said.hidden = !words.length;
      table.said.textContent = `${kept.length} of ${table.rows.length} shown`;
      if (table.sum >= 0) table.said.textContent +=
        `: ${figure(total(table, kept))} of ${figure(total(table, table.rows))} ${about.currency}`;
      found += kept.length;
      all += table.rows.length;
    }
    status.textContent = words.length ? `${found} of ${all} rows have it` : "";
  };
  input.addEventListener("input", filter);
  find.hidden = !tables.length;

  // A link to a run finds it though a filter has hidden it, and marks it after sorting, too.
  const mark = () => {
    document.querySelectorAll("tr.linked").forEach(row => row.classList.remove("linked"));
    const id = location.hash.slice(1);
    const row = id && document.getElementById(id);
    if (!row || row.tagName !== "TR") return;
    if (row.classList.contains("out")) {
      input.value = "";
      filter();
    }
    row.classList.add("linked");
    row.scrollIntoView({ block: "center" });
  };
  window.addEventListener("hashchange", mark);
  if (input.value) filter(); // as a browser keeps it over a reload
  mark();
})();
