/** Preloaded into a program that a reader of the README would run: names under `localhost` resolve, as in a browser. */
import dns from 'node:dns';

const { lookup } = dns;
dns.lookup = (host, options, done) => {
  const callback = typeof options === 'function' ? options : done;
  const given = typeof options === 'function' ? {} : options;
  return lookup(host.endsWith('.localhost') ? '127.0.0.1' : host, given, callback);
};
