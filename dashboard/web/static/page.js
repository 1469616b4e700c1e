// Glue: replaces the parts of a page that the server sends, and says when the server is gone. It makes no markup.
"use strict";
(() => {
  const LOST_AFTER_MS = 12000;
  const body = document.body, lost = document.getElementById("connection-lost");
  let source = null, heardAt = 0, ahead = 0;

  const label = (part) => {  // a narrow screen shows a row as cells below each other, each with the head of its column
    for (const table of part.querySelectorAll("table.stack")) {
      const heads = [...table.querySelectorAll("thead th")].map((head) => head.textContent);
      for (const cell of table.querySelectorAll("tbody td")) {
        if (cell.colSpan === 1 && cell.textContent.trim()) cell.dataset.label = heads[cell.cellIndex];
      }
    }
  };
  label(document);

  const made = (html) => {
    const template = document.createElement("template");
    template.innerHTML = html;
    label(template.content);
    return template.content.firstElementChild;
  };

  const replace = (old, fresh) => {  // what somebody has unfolded stays unfolded
    for (const details of old.querySelectorAll("details[open][id]")) {
      const same = fresh.querySelector("#" + details.id);
      if (same) same.open = true;
    }
    old.replaceWith(fresh);
  };

  const show = ({ now, elements, order }) => {
    heardAt = Date.now();
    ahead = now * 1000 - heardAt;
    lost.hidden = true;
    const focused = document.activeElement?.id, fresh = {};
    for (const [id, html] of Object.entries(elements)) {
      const old = document.getElementById(id);
      fresh[id] = made(html);
      if (old) replace(old, fresh[id]);
    }
    for (const [list, ids] of Object.entries(order)) {
      const parent = document.getElementById(list);
      if (!parent) continue;
      for (const child of [...parent.children]) if (!ids.includes(child.id)) child.remove();
      ids.forEach((id, place) => {
        const child = document.getElementById(id) || fresh[id];
        if (child && parent.children[place] !== child) parent.insertBefore(child, parent.children[place] || null);
      });
    }
    if (focused && document.activeElement?.id !== focused) document.getElementById(focused)?.focus();
    count();
  };

  const open = () => {
    source?.close();
    const { view, site, device } = body.dataset;
    source = new EventSource("/events?" + new URLSearchParams({ view, site: site || "", device: device || "" }));
    source.onmessage = (event) => show(JSON.parse(event.data));
    source.onerror = () => {
      if (source.readyState !== EventSource.CLOSED) return;  // the browser comes back by itself
      fetch(location, { method: "HEAD" }).then((answer) => answer.redirected && location.reload()).catch(() => {});
      setTimeout(open, 3000);
    };
  };

  const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const words = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "always" });
  const count = () => {
    for (const element of document.querySelectorAll("time[data-since]")) {
      const seconds = Math.max(0, (Date.now() + ahead) / 1000 - Number(element.dataset.since));
      const [unit, size] = units.find(([, length]) => seconds >= length) || units[3];
      const text = words.format(-Math.floor(seconds / size), unit);
      if (element.textContent !== text) element.textContent = text;
    }
  };

  const narrow = matchMedia("(max-width: 48rem)");
  const refresh = async (chart) => {
    const address = new URL(chart.dataset.refresh, location);
    if (narrow.matches) address.searchParams.set("narrow", "1");
    const answer = await fetch(address).catch(() => null);
    if (answer?.ok && !answer.redirected && document.contains(chart)) replace(chart, made(await answer.text()));
  };
  const chart = () => document.querySelector("[data-refresh]");
  if (chart()) {
    if (narrow.matches) refresh(chart());
    narrow.addEventListener("change", () => refresh(chart()));
    setInterval(() => !document.hidden && chart().dataset.every && refresh(chart()), 20000);
  }
  for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => print());
  }

  if (body.dataset.view) {
    heardAt = Date.now();
    open();
    setInterval(() => { lost.hidden = Date.now() - heardAt < LOST_AFTER_MS; }, 1000);
    document.addEventListener("visibilitychange", () => {  // a page that nobody sees costs nothing
      if (document.hidden) source?.close(); else { heardAt = Date.now(); open(); }
    });
    setInterval(count, 1000);
    count();
  }
})();
