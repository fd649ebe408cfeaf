// What is wrong with a page, asked of the page itself.  Each function gives a list of texts.
(() => {
  const elements = () => [...document.body.querySelectorAll("*")]
    .filter(e => !["SCRIPT", "STYLE", "TEMPLATE", "NOSCRIPT"].includes(e.tagName));

  const isSeen = e => {
    if (!e.checkVisibility({ opacityProperty: true, visibilityProperty: true })) return false;
    const box = e.getBoundingClientRect();
    // what is clipped to a pixel, or put beyond the edges, is for screen readers
    return box.width > 1 && box.height > 1 && box.right > 0 && box.bottom > 0;
  };

  const short = text => text.trim().replace(/\s+/g, " ").slice(0, 40);
  const named = e => {
    const words = e.getAttribute("class");
    return e.tagName.toLowerCase() + (words ? "." + words.trim().split(/\s+/).join(".") : "");
  };

  // Elements that show text, with it: of text nodes the parents, and what a control holds.
  const texts = () => {
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const node = walker.currentNode, parent = node.parentElement;
      if (!node.data.trim() || parent.closest("script, style, template, noscript")) continue;
      if (parent.closest("option, textarea") || !isSeen(parent)) continue;
      found.push([parent, short(node.data)]);
    }
    for (const e of document.body.querySelectorAll("input, select, textarea")) {
      if (e.type !== "hidden" && e.value && isSeen(e)) found.push([e, short(e.value)]);
    }
    return found;
  };

  // In pixels of the screen: the text of a picture grows and shrinks with it.
  const size = e => {
    const own = parseFloat(getComputedStyle(e).fontSize);
    const matrix = e instanceof SVGElement && e.getScreenCTM ? e.getScreenCTM() : null;
    return matrix ? own * Math.hypot(matrix.a, matrix.b) : own;
  };

  // ---- colours: [r, g, b, alpha], 0..255 and 0..1

  const paint = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const known = new Map();
  const colour = text => {
    if (!known.has(text)) {
      const plain = text.match(/^rgba?\(([\d.]+), ([\d.]+), ([\d.]+)(?:, ([\d.]+))?\)$/);
      if (plain) known.set(text, [+plain[1], +plain[2], +plain[3], plain[4] ? +plain[4] : 1]);
      else {
        paint.clearRect(0, 0, 1, 1);
        paint.fillStyle = text;
        paint.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = paint.getImageData(0, 0, 1, 1).data;
        known.set(text, [r, g, b, a / 255]);
      }
    }
    return known.get(text);
  };
  const over = (top, below) => top.slice(0, 3).map((c, i) => c * top[3] + below[i] * (1 - top[3]));

  const canvas = () => { // what a page without any background is painted on
    const probe = document.createElement("div");
    probe.style.backgroundColor = "Canvas";
    document.documentElement.append(probe);
    const found = colour(getComputedStyle(probe).backgroundColor);
    probe.remove();
    return found.slice(0, 3);
  };

  const background = e => {
    const layers = [];
    for (let at = e; at; at = at.parentElement) {
      const style = getComputedStyle(at);
      if (style.backgroundImage !== "none") return null;
      const layer = colour(style.backgroundColor);
      if (layer[3] > 0) layers.push(layer);
      if (layer[3] >= 1) break;
    }
    return layers.reverse().reduce((below, layer) => over(layer, below), canvas());
  };

  const opacity = e => {
    let all = 1;
    for (let at = e; at; at = at.parentElement) all *= parseFloat(getComputedStyle(at).opacity);
    return all;
  };

  // WCAG 2.2, "relative luminance" and "contrast ratio"
  const luminance = rgb => {
    const [r, g, b] = rgb.map(c => c / 255)
      .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (one, other) => {
    const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a);
    return (high + 0.05) / (low + 0.05);
  };

  const isSvg = e => e instanceof SVGElement;
  const needed = e => {
    const px = size(e), bold = parseInt(getComputedStyle(e).fontWeight) >= 700;
    return px >= 24 || (bold && px >= 18.66) ? 3 : 4.5;
  };

  const scrolls = e => { // whether it lies in a box that scrolls, and is not the page's concern
    for (let at = e.parentElement; at && at !== document.body; at = at.parentElement)
      if (["auto", "scroll"].includes(getComputedStyle(at).overflowX)) return true;
    return false;
  };

  const tooWide = () => {
    const width = document.documentElement.clientWidth, found = [];
    if (document.documentElement.scrollWidth > window.innerWidth)
      found.push(`the page is ${document.documentElement.scrollWidth} of ${window.innerWidth} px`);
    for (const e of elements()) {
      const box = e.getBoundingClientRect();
      if (isSvg(e) && e.tagName !== "svg") continue;
      if (isSeen(e) && !scrolls(e) && (box.right > width + 0.5 || box.width > width + 0.5))
        found.push(`${named(e)} "${short(e.textContent)}" ends at ${Math.round(box.right)} px`);
    }
    return found;
  };

  const smallText = () => texts().filter(([e]) => size(e) < 11.99)
    .map(([e, text]) => `${named(e)} "${text}" is ${size(e).toFixed(1)} px`);

  const lowContrast = () => {
    const found = [];
    for (const [e, text] of texts()) {
      if (e.disabled) continue;
      const behind = background(e), style = getComputedStyle(e);
      if (!behind) { found.push(`${named(e)} "${text}" lies on an image`); continue; }
      const [r, g, b, alpha] = colour(isSvg(e) ? style.fill : style.color);
      const ink = over([r, g, b, alpha * opacity(e)], behind), got = ratio(ink, behind);
      if (got < needed(e)) {
        const said = [ink, behind].map(c => c.map(Math.round).join(","));
        found.push(`${named(e)} "${text}" ${got.toFixed(2)}:1, ${said[0]} on ${said[1]}`);
      }
    }
    return [...new Set(found)];
  };

  const withoutAlt = () => {
    const found = [];
    for (const e of document.body.querySelectorAll("img, svg, [role=img]")) {
      if (e.closest("[aria-hidden=true]") || e.getAttribute("role") === "presentation") continue;
      const title = e.tagName === "svg" && e.querySelector(":scope > title");
      const label = e.getAttribute("alt") || e.getAttribute("aria-label") || (title || {}).textContent;
      if (!(label || "").trim()) found.push(`${named(e)} ${(e.getAttribute("src") || "").slice(0, 60)}`);
    }
    return found;
  };

  const broken = () => [...document.images].filter(i => i.complete && !i.naturalWidth)
    .map(i => `${named(i)} ${i.currentSrc.slice(0, 60)}`);

  return { tooWide, smallText, lowContrast, withoutAlt, broken };
})()
