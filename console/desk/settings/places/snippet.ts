/** The line that puts the widget on somebody's page. Ids have no character that HTML would read. Pure. */
export const snippet = (origin: string, inbox: string): string => `<script async src="${origin}/w.js" data-inbox="${inbox}"></script>`;
