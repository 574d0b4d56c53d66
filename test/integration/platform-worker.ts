/** Hosts every object class for the tests inside workerd; the edge itself is driven as a whole by test/contract. */
export * from '../../durable-objects/index.ts';

export default { fetch: () => new Response(null, { status: 404 }) };
