/** What stands in an address for the name of the owner. */
export const OWNER = '{owner}';

/** A part before the @ that needs no quotes. RFC 5321 allows 64 characters. */
const LOCAL_PART = /^(?=.{1,64}$)[\w+-]+(?:\.[\w+-]+)*$/;
const DOMAIN = /^(?=.{1,255}$)(?:[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?\.)+[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?$/i;

/** Returns whether it is one address, which may have `{owner}` before the @. */
export function isMailAddress(text: string): boolean {
  const [local = '', domain = '', ...more] = text.split('@');
  return more.length === 0 && LOCAL_PART.test(local.replace(OWNER, 'owner')) && DOMAIN.test(domain);
}

/**
 * Puts the name of an owner into an address.
 *
 * @param owner null for a message to operators.
 * @returns undefined if the address needs a name, and there is none that can be part of an address.
 */
export function mailAddressFor(address: string, owner: string | null): string | undefined {
  if (!address.includes(OWNER)) return address;
  if (owner === null || !LOCAL_PART.test(owner)) return undefined;
  const filled = address.replace(OWNER, owner);
  return isMailAddress(filled) ? filled : undefined;
}
