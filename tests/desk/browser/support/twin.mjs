// The cloud that the desk works with, and what shall go wrong in it.

const { admin_url: ADMIN } = JSON.parse(process.env.CLOUD_TWIN ?? '{}');

async function admin(method, path, document) {
  const response = await fetch(ADMIN + path, { method, body: document && JSON.stringify(document) });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

/** Puts `rule`, a fault as the admin API takes it, in force for forms that are posted, while `body` runs. */
export async function withFault(rule, body) {
  const { id } = await admin('POST', '/faults', { service: 'oss', method: 'POST', ...rule });
  const hits = async () => (await admin('GET', '/faults')).find(fault => fault.id === id).hits;
  const struck = async () => {
    while ((await hits()) === 0);
  };
  try {
    return await body({ hits, struck });
  } finally {
    await admin('DELETE', `/faults/${id}`);
  }
}
