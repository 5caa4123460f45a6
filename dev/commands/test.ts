export const test = async (options: object, rest: readonly string[]): Promise<number> => (
  console.error('not yet', options, rest),
  1
);
