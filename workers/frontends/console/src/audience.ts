/** Whose console this is: the Worker says it in the page, by the host that was asked. */
export const audience = document.documentElement.dataset['audience'] === 'operator' ? 'operator' : 'tenant';
