// Why an upload did not come to an end.

/** `reason` names a text of strings.js, `why.<reason>`; `values` fill it in. */
export class Failure extends Error {
  constructor(reason, values = {}) {
    super(`${reason} ${values.message ?? ''}`.trim());
    this.name = 'Failure';
    this.reason = reason;
    this.values = values;
  }
}
