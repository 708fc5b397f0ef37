// Sets the theme before the first paint: the choice if there is one, else
// what the system says. It must stay small, since the page waits for it.
(function () {
  var root = document.documentElement;
  var dark = matchMedia("(prefers-color-scheme: dark)");
  function apply() {
    root.setAttribute("data-bs-theme", root.getAttribute("data-theme-choice") || (dark.matches ? "dark" : "light"));
  }
  apply();
  dark.addEventListener("change", apply);
  window.cairnTheme = function (choice) {
    document.cookie = "theme=" + choice + "; path=/; samesite=lax; max-age=" + (choice ? 31536000 : 0);
    if (choice) root.setAttribute("data-theme-choice", choice);
    else root.removeAttribute("data-theme-choice");
    apply();
    document.dispatchEvent(new CustomEvent("cairn:theme"));
  };
})();
