// The list of events: found, sorted and ticked without leaving the page, so
// that nothing ticked is lost.
(function () {
  "use strict";
  var table = document.querySelector("[data-sortable]");
  if (!table) return;
  var form = table.closest("form"), body = table.tBodies[0];
  var q = document.querySelector("[data-rows-filter]"), which = document.querySelector("[data-rows-which]");
  var none = document.querySelector("[data-rows-none]");
  var rows = function () { return Array.prototype.slice.call(body.rows); };
  var box = function (row) { return row.querySelector("input[name=counts]"); };

  function show() {
    var words = q.value.trim().toLowerCase(), any = false;
    rows().forEach(function (row) {
      var fits = row.dataset.name.indexOf(words) >= 0;
      if (which.value === "counts") fits = fits && box(row).checked;
      if (which.value === "not") fits = fits && !box(row).checked;
      if (which.value === "silent") fits = fits && row.dataset.recent === "0";
      row.hidden = !fits;
      any = any || fits;
    });
    none.hidden = any;
  }
  q.addEventListener("input", show);
  which.addEventListener("change", function (e) { e.stopPropagation(); show(); });
  q.addEventListener("change", function (e) { e.stopPropagation(); });
  q.addEventListener("keydown", function (e) { if (e.key === "Enter") e.preventDefault(); });

  document.addEventListener("click", function (e) {
    var tick = e.target.closest("[data-rows-tick]"), head = e.target.closest("[data-sort]");
    if (tick) {
      rows().forEach(function (row) { if (!row.hidden) box(row).checked = tick.getAttribute("data-rows-tick") === "1"; });
      if (window.htmx) htmx.trigger(form, "cairn:tick");
    }
    if (!head) return;
    var key = head.getAttribute("data-sort"), th = head.closest("th");
    var was = th.getAttribute("aria-sort");
    var up = was ? was === "descending" : key === "name";
    table.querySelectorAll("th[aria-sort]").forEach(function (h) { h.removeAttribute("aria-sort"); h.querySelector(".sort-mark").textContent = ""; });
    th.setAttribute("aria-sort", up ? "ascending" : "descending");
    head.querySelector(".sort-mark").textContent = up ? "↑" : "↓";
    rows().sort(function (a, b) {
      var x = a.dataset[key], y = b.dataset[key];
      var d = key === "name" ? x.localeCompare(y) : Number(x) - Number(y);
      return up ? d : -d;
    }).forEach(function (row) { body.appendChild(row); });
  });
})();
