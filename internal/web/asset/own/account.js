// What the account pages do beyond links and forms: drafts that survive a
// reload, rows shown on demand, the anchor of what is in view, and a timeline
// that does not jump away while somebody reads further down.
(function () {
  "use strict";
  if (window.cairnAccount) return;
  window.cairnAccount = true;
  var $ = function (sel, from) { return (from || document).querySelector(sel); };
  var $$ = function (sel, from) { return Array.prototype.slice.call((from || document).querySelectorAll(sel)); };

  // Rows shown on demand -----------------------------------------------------
  var shown = {};
  function showRows(section) {
    $$("tr[hidden], li[hidden]", section).forEach(function (r) { r.hidden = false; });
    $$("[data-show-rows]", section).forEach(function (b) { b.remove(); });
  }
  document.addEventListener("click", function (e) {
    var b = e.target.closest("[data-show-rows]");
    if (!b) return;
    var section = b.closest("section[id]"), list = b.previousElementSibling;
    var first = $("tr[hidden] a, li[hidden] a", list);
    shown[section.id] = true;
    showRows(section);
    if (first) first.focus();
  });

  // From the search down into the rows.
  document.addEventListener("keydown", function (e) {
    if (e.target.id !== "accounts-q" || e.key !== "ArrowDown") return;
    var first = $(".accounts-table tbody [data-main]");
    if (first) { e.preventDefault(); first.focus(); }
  });

  // Write down ----------------------------------------------------------------
  // What is typed stays in this tab, and in this tab only, until it is sent.
  var fields = ["text", "others", "when", "next", "next_due"];
  function draftKey(form) { return "cairn-draft-" + form.getAttribute("data-draft"); }
  function saveDraft(form) {
    var d = { type: (form.querySelector("[name=type]:checked") || {}).value, id: form.elements.id.value };
    var any = false;
    fields.forEach(function (f) { d[f] = form.elements[f].value; any = any || !!d[f]; });
    try {
      if (any) sessionStorage.setItem(draftKey(form), JSON.stringify(d));
      else sessionStorage.removeItem(draftKey(form));
    } catch (ignored) { return; }
    $("[data-draft-note]", form).hidden = !any;
  }
  function loadDraft() {
    var form = $("form[data-draft]");
    if (!form || form.elements.text.value || form.elements.next.value) return;
    var d = null;
    try { d = JSON.parse(sessionStorage.getItem(draftKey(form))); } catch (ignored) { return; }
    if (!d) return;
    fields.forEach(function (f) { form.elements[f].value = d[f] || ""; });
    if (d.id) form.elements.id.value = d.id;
    var type = form.querySelector('[name=type][value="' + d.type + '"]');
    if (type) type.checked = true;
    if (d.others || d.when) $(".write-more", form).open = true;
    $("[data-draft-note]", form).hidden = false;
  }
  document.addEventListener("input", function (e) {
    var form = e.target.closest("form[data-draft]");
    if (form) saveDraft(form);
  });
  document.addEventListener("keydown", function (e) {
    var form = e.target.closest && e.target.closest("form[data-draft]");
    if (form && e.key === "Enter" && (e.ctrlKey || e.metaKey)) { e.preventDefault(); form.requestSubmit(); }
  });
  document.addEventListener("htmx:afterRequest", function (e) {
    var form = e.detail.requestConfig.elt; // it has left the page by now
    if (form.matches("form[data-draft]") && e.detail.successful) {
      try { sessionStorage.removeItem(draftKey(form)); } catch (ignored) { return; }
    }
  });
  document.addEventListener("click", function (e) {
    if (!e.target.closest("[data-write]")) return;
    e.preventDefault();
    var text = $("#write-text");
    $("#write").scrollIntoView({ block: "nearest" });
    text.focus({ preventScroll: true });
  });

  // The timeline while it is read ---------------------------------------------
  document.addEventListener("htmx:afterSwap", function (e) {
    if (e.detail.requestConfig && e.detail.requestConfig.headers["HX-Target"] === "timeline-more") {
      $("#timeline-list").setAttribute("data-extended", "");
    }
  });
  document.addEventListener("htmx:oobBeforeSwap", function (e) {
    var t = e.detail.target;
    if (t.id !== "timeline" || !$("[data-extended]", t)) return;
    e.detail.shouldSwap = false;
    if ($(".fresh-note", t)) return;
    var b = document.createElement("button");
    b.type = "button";
    b.className = "fresh-note";
    b.textContent = "Something new has happened. Show it";
    b.addEventListener("click", function () { location.reload(); });
    $("#timeline-list").before(b);
  });
  document.addEventListener("htmx:oobAfterSwap", function (e) {
    var t = document.getElementById(e.detail.target.id);
    if (t && shown[t.id]) showRows(t);
  });

  // The problem of a form gets the focus ------------------------------------------
  document.addEventListener("htmx:oobAfterSwap", function (e) {
    if (e.detail.target.id !== "write") return;
    var bad = $("#write [aria-invalid=true]");
    if (bad) bad.focus();
  });

  // Which section is in view ---------------------------------------------------
  function watch() {
    var links = $$(".anchors a");
    if (!links.length || !window.IntersectionObserver) return;
    var inView = {};
    var watcher = new IntersectionObserver(function (entries) {
      entries.forEach(function (e) { inView[e.target.id] = e.isIntersecting; });
      var done = false;
      links.forEach(function (a) {
        var on = !done && inView[a.hash.slice(1)];
        if (on) { a.setAttribute("aria-current", "true"); done = true; } else a.removeAttribute("aria-current");
      });
    }, { rootMargin: "-60px 0px -55% 0px" });
    links.forEach(function (a) { var s = $(a.hash); if (s) watcher.observe(s); });
    document.addEventListener("htmx:afterSettle", function () {
      links.forEach(function (a) { var s = $(a.hash); if (s) watcher.observe(s); });
    });
  }

  // The side column stays in view. Taller than the window, it stays by its
  // end, so that everything in it can be scrolled to.
  function stay() {
    var side = $(".account-side");
    var keep = function () { side.style.top = Math.min(14, innerHeight - side.offsetHeight - 14) + "px"; };
    if (!side || !window.ResizeObserver) return;
    new ResizeObserver(keep).observe(side);
    addEventListener("resize", keep);
  }

  loadDraft();
  watch();
  stay();
})();
