// Datasette's table.js asks for it; a page's own script would need a hole in its policy.
window.DATASETTE_ALLOW_FACET = true;

// What columns mean is asked for: on a phone it would stand before all figures.
window.addEventListener("DOMContentLoaded", () => {
  for (const list of document.querySelectorAll("dl.column-descriptions")) {
    const box = document.createElement("details"), head = document.createElement("summary");
    head.textContent = "What the columns mean";
    list.replaceWith(box);
    box.append(head, list);
  }
});

// What table.js draws into the heads of columns has no name for who does not see it.
window.addEventListener("load", () => {
  for (const icon of document.querySelectorAll("svg.dropdown-menu-icon"))
    icon.setAttribute("aria-label", "menu of this column");
});
