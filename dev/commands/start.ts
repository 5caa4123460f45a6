export const start = async (options: object): Promise<number> => (console.error('not yet', options), 1);
