/** What an option was given, from 1 on. @throws TypeError that names the option. */
export function wholeNumber(option: string, text: string, most = Infinity): number {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0 && number <= most) return number;
  const range = most === Infinity ? 'from 1' : `from 1 to ${most}`;
  throw new TypeError(`${option} takes a whole number ${range}, not "${text}".`);
}
