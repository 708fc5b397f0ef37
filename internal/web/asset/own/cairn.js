// What pages do beyond links and forms. Every page works without it; with it,
// hands stay on the keyboard.
(function () {
  "use strict";
  var $ = function (sel, from) { return (from || document).querySelector(sel); };
  var $$ = function (sel, from) { return Array.prototype.slice.call((from || document).querySelectorAll(sel)); };

  // Theme ------------------------------------------------------------------
  document.addEventListener("change", function (e) {
    if (e.target.matches("[data-theme-set]")) window.cairnTheme(e.target.value);
  });

  if (/Mac|iP(hone|ad)/.test(navigator.platform)) {
    $$(".search-open kbd").forEach(function (k) { k.textContent = "⌘ K"; });
  }

  // Menus: details that close when one looks elsewhere -----------------------
  function closeMenus(but) {
    $$("details[data-menu][open]").forEach(function (d) { if (d !== but && !d.contains(but)) d.open = false; });
  }
  document.addEventListener("click", function (e) {
    closeMenus(e.target.closest ? e.target.closest("details[data-menu]") : null);
  });
  document.addEventListener("toggle", function (e) {
    var d = e.target;
    if (d.matches && d.matches("details[data-menu]") && d.open) {
      closeMenus(d);
      var first = $("[data-first]", d);
      if (first) first.focus({ preventScroll: true });
    }
  }, true);

  // One tooltip for everything with data-tip, above all else -----------------
  var tip = null, tipFor = null, tipTimer = 0;
  function showTip(el) {
    tip = $("#tip");
    var text = el.getAttribute("data-tip");
    if (!tip || !text || tipFor === el) return;
    tipFor = el;
    tip.textContent = text;
    if (tip.showPopover && !tip.matches(":popover-open")) tip.showPopover();
    var r = el.getBoundingClientRect(), t = tip.getBoundingClientRect();
    var x = Math.min(Math.max(8, r.left + r.width / 2 - t.width / 2), innerWidth - t.width - 8);
    var y = r.top - t.height - 8;
    if (y < 8) y = r.bottom + 8;
    tip.style.left = x + "px";
    tip.style.top = y + "px";
  }
  function hideTip() {
    clearTimeout(tipTimer);
    tipFor = null;
    if (tip && tip.hidePopover && tip.matches(":popover-open")) tip.hidePopover();
  }
  document.addEventListener("mouseover", function (e) {
    var el = e.target.closest && e.target.closest("[data-tip]");
    if (el === tipFor) return;
    hideTip();
    if (el) tipTimer = setTimeout(function () { if (el.isConnected) showTip(el); }, 250);
  });
  document.addEventListener("focusin", function (e) {
    var el = e.target.closest && e.target.closest("[data-tip]");
    hideTip();
    if (el && el.matches(":focus-visible")) showTip(el);
  });
  document.addEventListener("focusout", hideTip);
  document.addEventListener("scroll", hideTip, true);

  // Copy -------------------------------------------------------------------
  document.addEventListener("click", function (e) {
    var b = e.target.closest("[data-copy]");
    if (!b) return;
    var from = $(b.getAttribute("data-copy"));
    if (!from) return;
    var done = function () {
      var s = $("[data-copied]", b), was = s.textContent;
      s.textContent = s.getAttribute("data-copied");
      setTimeout(function () { s.textContent = was; }, 1600);
    };
    if (navigator.clipboard && window.isSecureContext) { navigator.clipboard.writeText(from.textContent).then(done); return; }
    var range = document.createRange();
    range.selectNodeContents(from);
    var sel = getSelection();
    sel.removeAllRanges();
    sel.addRange(range);
    if (document.execCommand("copy")) done();
  });

  // Tabs -------------------------------------------------------------------
  function selectTab(tab, focus) {
    $$('[role="tab"]', tab.parentNode).forEach(function (t) {
      var on = t === tab;
      t.setAttribute("aria-selected", on ? "true" : "false");
      t.tabIndex = on ? 0 : -1;
      var panel = document.getElementById(t.getAttribute("aria-controls"));
      if (panel) panel.hidden = !on;
    });
    if (focus) tab.focus();
  }
  document.addEventListener("click", function (e) {
    var t = e.target.closest('[role="tab"]');
    if (t) selectTab(t);
  });

  // Dialogs ----------------------------------------------------------------
  function openPalette() {
    var d = $("#palette"), q = $("#palette-q");
    if (!d || d.open) return;
    d.showModal();
    q.value = "";
    q.focus();
    if (window.htmx) htmx.trigger(q, "cairn:open");
  }
  function openKeys() { var d = $("#keys"); if (d && !d.open) d.showModal(); }
  document.addEventListener("click", function (e) {
    if (e.target.closest("[data-palette]")) openPalette();
    if (e.target.closest("[data-keys]")) { closeMenus(null); openKeys(); }
    if (e.target.closest("[data-close]")) e.target.closest("dialog").close();
    if (e.target.closest("[data-close-toast]")) e.target.closest("[data-toast]").remove();
    if (e.target.tagName === "DIALOG") e.target.close();
  });

  function paletteMove(by) {
    var items = $$("#palette-results [role=option]");
    if (!items.length) return;
    var at = items.findIndex(function (i) { return i.getAttribute("aria-selected") === "true"; });
    choose(items[(at + by + items.length) % items.length]);
  }
  function choose(item) {
    $$("#palette-results [role=option]").forEach(function (i) { i.setAttribute("aria-selected", i === item ? "true" : "false"); });
    if (!item) return;
    $("#palette-q").setAttribute("aria-activedescendant", item.id);
    item.scrollIntoView({ block: "nearest" });
  }
  document.addEventListener("htmx:afterSwap", function (e) {
    if (e.target && e.target.id === "palette-results") choose($("#palette-results [role=option]"));
  });
  document.addEventListener("mousemove", function (e) {
    var o = e.target.closest && e.target.closest("#palette-results [role=option]");
    if (o) choose(o);
  });
  document.addEventListener("click", function (e) {
    var o = e.target.closest("#palette-results [role=option]");
    if (o) { location.href = o.getAttribute("data-href"); }
  });

  // Rows and their keys -------------------------------------------------------
  function rows() { return $$("[data-row]:not(.leaving)").filter(function (r) { return r.offsetParent !== null; }); }
  var lastIndex = -1;
  function current() {
    return (document.activeElement && document.activeElement.closest("[data-row]:not(.leaving)")) || $("[data-row].current:not(.leaving)");
  }
  function setCurrent(row) {
    $$("[data-row].current").forEach(function (r) { r.classList.remove("current"); });
    if (!row) return;
    row.classList.add("current");
    lastIndex = rows().indexOf(row);
    var main = $("[data-main]", row) || row;
    main.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  }
  function move(by) {
    var all = rows();
    if (!all.length) return;
    var at = all.indexOf(current());
    setCurrent(all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1)]);
  }
  document.addEventListener("focusin", function (e) {
    var r = e.target.closest && e.target.closest("[data-row]");
    if (!r) return;
    $$("[data-row].current").forEach(function (o) { if (o !== r) o.classList.remove("current"); });
    r.classList.add("current");
    lastIndex = rows().indexOf(r);
  });

  function typing(el) {
    return el && (el.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(el.tagName)) && el.type !== "radio" && el.type !== "checkbox";
  }
  function press(key) {
    var row = current();
    var b = (row && $('[data-key="' + key + '"]', row)) || $('[data-page-key="' + key + '"]');
    if (!b) return false;
    if (b.tagName === "SUMMARY") {
      b.parentNode.open = !b.parentNode.open;
      var first = b.parentNode.open && $("[data-first]", b.parentNode);
      if (first) first.focus({ preventScroll: true });
    } else if (/^(INPUT|SELECT|TEXTAREA)$/.test(b.tagName)) b.focus();
    else b.click();
    return true;
  }
  document.addEventListener("keydown", function (e) {
    if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === "k") { e.preventDefault(); openPalette(); return; }
    var t = e.target;
    if (t.id === "palette-q") {
      if (e.key === "ArrowDown") { e.preventDefault(); paletteMove(1); }
      if (e.key === "ArrowUp") { e.preventDefault(); paletteMove(-1); }
      if (e.key === "Enter") {
        e.preventDefault();
        var o = $('#palette-results [aria-selected="true"]');
        if (o) location.href = o.getAttribute("data-href");
      }
      return;
    }
    if (t.getAttribute && t.getAttribute("role") === "tab" && /^Arrow(Left|Right)$/.test(e.key)) {
      var all = $$('[role="tab"]', t.parentNode), i = all.indexOf(t) + (e.key === "ArrowRight" ? 1 : -1);
      selectTab(all[(i + all.length) % all.length], true);
      return;
    }
    if (e.key === "Escape") {
      var open = t.closest && t.closest("details[data-menu][open]");
      if (open) { open.open = false; $("summary", open).focus(); }
      else closeMenus(null);
      hideTip();
      return;
    }
    if (e.ctrlKey || e.metaKey || e.altKey || typing(t) || $("dialog[open]")) return;
    switch (e.key) {
      case "j": move(1); break;
      case "k": move(-1); break;
      case "?": openKeys(); break;
      case "/": openPalette(); break;
      case "f":
        var f = $("[data-filter]");
        if (!f) return;
        f.focus();
        break;
      case "u":
        var u = $("[data-undo]");
        if (!u) return;
        u.click();
        break;
      case "Enter":
        if (t !== document.body && t.closest("a,button,summary")) return;
        var row = current(), link = row && $("[data-main]", row);
        if (!link) return;
        link.click();
        break;
      default:
        if (!/^[a-z]$/.test(e.key) || !press(e.key)) return;
    }
    e.preventDefault();
  });

  // Parts that update in place -------------------------------------------------
  // A part waits while somebody is at work in it: an open menu, a field with
  // the cursor in it, a form that was begun.
  function busy() {
    var a = document.activeElement;
    return document.hidden || !!$("#main details[data-menu][open], #main [data-editing]") ||
      !!(a && typing(a) && a.closest("#main,#toast")) || !!$("dialog[open]");
  }
  document.addEventListener("htmx:beforeRequest", function (e) {
    if (e.target.id === "live" && busy()) e.preventDefault();
  });
  var opened = [], hadRow = false;
  document.addEventListener("htmx:oobBeforeSwap", function (e) {
    var t = e.detail.target;
    opened = $$("details[open][id]", t).map(function (d) { return d.id; });
    hadRow = !!(t.contains(document.activeElement) && document.activeElement.closest("[data-row]")) ||
      (document.activeElement === document.body && lastIndex >= 0 && !!$("[data-row]", t));
  });
  document.addEventListener("htmx:oobAfterSwap", function () {
    opened.forEach(function (id) { var d = document.getElementById(id); if (d) d.open = true; });
    opened = [];
  });
  document.addEventListener("htmx:afterSettle", function (e) {
    if (!hadRow || (document.activeElement && document.activeElement !== document.body)) return;
    var all = rows();
    hadRow = false;
    if (all.length) setCurrent(all[Math.min(lastIndex, all.length - 1)]);
  });
  // What was done leaves at once and the next row is at hand; if the server
  // refuses, the page says so and the row is back.
  document.addEventListener("htmx:beforeRequest", function (e) {
    var row = e.target.closest && e.target.closest("[data-row]");
    if (row && e.target.matches("form[data-leaves]")) {
      var at = rows().indexOf(row);
      row.classList.add("leaving");
      $$("details[data-menu][open]", row).forEach(function (d) { d.open = false; });
      var left = rows();
      if (row.contains(document.activeElement) && left.length) setCurrent(left[Math.min(at, left.length - 1)]);
    }
  });
  document.addEventListener("htmx:afterRequest", function (e) {
    var row = e.target.closest && e.target.closest("[data-row]");
    if (row && !e.detail.successful) row.classList.remove("leaving");
  });
  // Forms marked so send themselves when a choice is made.
  document.addEventListener("change", function (e) {
    if (e.target.closest("[data-submit-on-change]")) e.target.form.requestSubmit();
  });
  // A message goes away by itself unless it is being used.
  setInterval(function () {
    var t = $("#toast [data-toast]");
    if (!t) return;
    if (t.matches(":hover") || t.contains(document.activeElement)) { t.removeAttribute("data-age"); return; }
    var age = Number(t.getAttribute("data-age") || 0) + 1;
    t.setAttribute("data-age", age);
    if (age > 11) t.remove();
  }, 1000);
})();
