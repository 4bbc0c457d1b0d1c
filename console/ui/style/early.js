/* Runs before the first paint: theme and density that were chosen here, else the system's. Plain old JavaScript on purpose. */
(function () {
  var page = document.documentElement.dataset;
  var theme = null;
  var density = null;
  try {
    theme = localStorage.getItem('trunkline.theme');
    density = localStorage.getItem('trunkline.density');
  } catch (error) { /* storage is blocked: the system decides */ }
  var dark = theme === 'dark' || (theme !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  page.theme = dark ? 'dark' : 'light';
  page.density = density === 'compact' ? 'compact' : 'comfortable';
})();
