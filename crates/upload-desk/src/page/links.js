// The signed links of an object, which expire.

const MARGIN = 10_000;

export const areStale = (object, now) => !(Date.parse(object.links_expire_at) - now > MARGIN);

/** `object`, or what the desk has of it now if its links are (about to be) worth nothing. */
export const withFreshLinks = async (object, api) =>
  areStale(object, api.now()) ? api.object(object.id) : object;
