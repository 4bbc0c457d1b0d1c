/* Runs before the first paint: the theme that was chosen here, else the system's. Plain old JavaScript on purpose. */
(function () {
  var chosen = null;
  try { chosen = localStorage.getItem('trunkline.theme'); } catch (error) { /* storage is blocked: the system decides */ }
  var dark = chosen === 'dark' || (chosen !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.dataset.theme = dark ? 'dark' : 'light';
})();
