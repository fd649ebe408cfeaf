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

// On a phone, what a row has not is left out.
window.addEventListener("DOMContentLoaded", () => {
  for (const cell of document.querySelectorAll(".rows-and-columns td"))
    if (!cell.textContent.trim()) cell.classList.add("empty");
});

// What table.js draws into the heads of columns has no name for who does not see it.
window.addEventListener("load", () => {
  for (const icon of document.querySelectorAll("svg.dropdown-menu-icon"))
    icon.setAttribute("aria-label", "menu of this column");
});
