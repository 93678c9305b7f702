// Pure. A cookie of a function's response -> the text of a Set-Cookie header.
import type { CookieData } from './coreTypes.js';

export function setCookieText(cookie: CookieData): string {
  const parts = [`${cookie.name}=${encodeURIComponent(cookie.value)}`];
  const expiresSeconds = cookie.expires?.value?.seconds;
  if (expiresSeconds !== undefined) parts.push(`Expires=${new Date(expiresSeconds * 1000).toUTCString()}`);
  if (cookie.maxAge?.value !== undefined) parts.push(`Max-Age=${Math.trunc(cookie.maxAge.value)}`);
  if (cookie.domain?.value !== undefined) parts.push(`Domain=${cookie.domain.value}`);
  // ASP.NET, which writes the cookies in the real host, sets this path when none is given.
  parts.push(`Path=${cookie.path?.value ?? '/'}`);
  if (cookie.secure?.value === true) parts.push('Secure');
  if (cookie.httpOnly?.value === true) parts.push('HttpOnly');
  const sameSite = sameSiteText(cookie.sameSite);
  if (sameSite !== undefined) parts.push(`SameSite=${sameSite}`);
  return parts.join('; ');
}

/** On the wire to the host `none` means that the app said nothing. */
function sameSiteText(sameSite: CookieData['sameSite']): string | undefined {
  switch (sameSite) {
    case 'lax':
      return 'Lax';
    case 'strict':
      return 'Strict';
    case 'explicitNone':
      return 'None';
    default:
      return undefined;
  }
}
