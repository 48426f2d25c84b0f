// What the system says when it refuses something, in words that follow what it refused.

const REASONS: Record<string, string> = {
  ENOENT: 'does not exist',
  EACCES: 'may not be used (permission denied)',
  EPERM: 'may not be used (operation not permitted)',
  EROFS: 'is on a read-only file system',
  EISDIR: 'is a directory',
  ENOTDIR: 'is not a directory',
  EEXIST: 'is there already',
  ELOOP: 'is a loop of links',
  ENAMETOOLONG: 'is too long a name',
  ENOSPC: 'has no space left on its device',
  EDQUOT: 'is over the disk quota',
  EFBIG: 'would be larger than the system allows',
  EIO: 'is on a device that fails (input/output error)',
  EPIPE: 'has no reader any more',
  EBADF: 'is not open for writing',
  ERR_FS_FILE_TOO_LARGE: 'is larger than 2 GiB',
};

/** The system's code of an error, as ENOENT; '' if it has none. */
export const codeOf = (error: unknown): string => (error as { code?: string }).code ?? '';

/** The system's refusal in words, without its stack. */
export function reason(error: unknown): string {
  const { message = String(error) } = error as { message?: string };
  return REASONS[codeOf(error)] ?? `cannot be used (${message.split('\n')[0]})`;
}
