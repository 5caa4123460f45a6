export const build = async (): Promise<number> => 1;
