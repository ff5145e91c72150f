/*
 * A disk that can be told to fail, and to remember what it has really got. Loaded with LD_PRELOAD.
 *
 * PRIVVAL_FAULTS=DIR    while DIR holds a file OP:NAME (sync:floor.db-wal, write:floor.db,
 *                       open:floor.db), that operation on files of that name fails with the errno in it.
 *                       `open` fails for writing only, as on a read-only file system.
 * PRIVVAL_SHADOW=DIR    after each sync of floor.db or floor.db-wal that has succeeded, DIR/NAME is
 *                       what a power cut would leave of the file.
 *
 * After a sync has failed, a kernel may take the pages for clean: they can be read, and a later sync
 * succeeds, but they never reach the disk unless they are written once more. So it is here:
 * DIR/NAME.blocks, shared by all lives of the process, knows which blocks of a file were written
 * since its last sync, and which were given up.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *base_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

/* The name of the file behind a descriptor; empty when it is none of the home's. */
static void name_of(int fd, char *name, size_t size) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  name[0] = 0;
  if (length <= 0) return;
  path[length] = 0;
  if (strncmp(base_name(path), "floor.", 6) == 0) snprintf(name, size, "%s", base_name(path));
}

static int open_file(const char *path, int flags, mode_t mode) {
  static int (*next)(const char *, int, ...);
  if (!next) next = dlsym(RTLD_NEXT, "open64");
  return next(path, flags, mode);
}

/* The errno an operation on a file is to fail with; 0: none. */
static int fault(const char *operation, const char *name) {
  const char *faults = getenv("PRIVVAL_FAULTS");
  if (!faults || !name[0]) return 0;
  char path[4096], text[16] = {0};
  snprintf(path, sizeof path, "%s/%s:%s", faults, operation, name);
  int fd = open_file(path, O_RDONLY, 0);
  if (fd < 0) return 0;
  ssize_t length = read(fd, text, sizeof text - 1);
  close(fd);
  return length > 0 ? atoi(text) : EIO;
}

enum { BLOCK = 4096, MAX_BLOCKS = 8192 };

/* Per block of a file. */
struct blocks {
  char written[MAX_BLOCKS];
  char lost[MAX_BLOCKS];
};

static int is_shadowed(const char *name) {
  return getenv("PRIVVAL_SHADOW") && (!strcmp(name, "floor.db") || !strcmp(name, "floor.db-wal"));
}

static void shadow_path(char *path, size_t size, const char *name, const char *suffix) {
  snprintf(path, size, "%s/%s%s", getenv("PRIVVAL_SHADOW"), name, suffix);
}

static struct blocks *blocks_of(const char *name) {
  static struct blocks *known[2];
  struct blocks **blocks = &known[!strcmp(name, "floor.db")];
  if (*blocks) return *blocks;
  char path[4096];
  shadow_path(path, sizeof path, name, ".blocks");
  int fd = open_file(path, O_RDWR | O_CREAT, 0600);
  if (fd < 0 || posix_fallocate(fd, 0, sizeof(struct blocks))) abort();
  *blocks = mmap(NULL, sizeof(struct blocks), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (*blocks == MAP_FAILED) abort();
  close(fd);
  return *blocks;
}

static void note_write(const char *name, off64_t offset, size_t size) {
  if (!is_shadowed(name) || size == 0) return;
  struct blocks *blocks = blocks_of(name);
  for (off64_t block = offset / BLOCK; block <= (off64_t)(offset + size - 1) / BLOCK; block++) {
    if (block >= MAX_BLOCKS) abort();
    blocks->written[block] = 1;
    blocks->lost[block] = 0;
  }
}

static void note_failed_sync(const char *name) {
  if (!is_shadowed(name)) return;
  struct blocks *blocks = blocks_of(name);
  for (int block = 0; block < MAX_BLOCKS; block++) blocks->lost[block] |= blocks->written[block];
  memset(blocks->written, 0, sizeof blocks->written);
}

static ssize_t read_at(int fd, void *bytes, size_t size, off64_t offset) {
  return fd < 0 ? 0 : pread64(fd, bytes, size, offset);
}

/* Written under another name first: the process may be killed at any moment. */
static void note_sync(int fd, const char *name) {
  if (!is_shadowed(name)) return;
  struct blocks *blocks = blocks_of(name);
  struct stat found;
  char temporary[4096], path[4096];
  shadow_path(temporary, sizeof temporary, name, ".new");
  shadow_path(path, sizeof path, name, "");
  if (fstat(fd, &found)) abort();
  int before = open_file(path, O_RDONLY, 0);
  int after = open_file(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (after < 0) abort();
  for (off64_t offset = 0; offset < found.st_size; offset += BLOCK) {
    char bytes[BLOCK] = {0};
    size_t size = found.st_size - offset < BLOCK ? found.st_size - offset : BLOCK;
    int source = blocks->lost[offset / BLOCK] ? before : fd;
    /* What was given up is what the disk had before, or nothing. */
    if (read_at(source, bytes, size, offset) < 0) abort();
    if (write(after, bytes, size) != (ssize_t)size) abort();
  }
  close(after);
  if (before >= 0) close(before);
  rename(temporary, path);
  memset(blocks->written, 0, sizeof blocks->written);
}

static int sync_file(const char *function, int fd) {
  int (*next)(int) = dlsym(RTLD_NEXT, function);
  char name[256];
  name_of(fd, name, sizeof name);
  int error = fault("sync", name);
  if (error) {
    note_failed_sync(name);
    errno = error;
    return -1;
  }
  int result = next(fd);
  if (result == 0) note_sync(fd, name);
  return result;
}

int fsync(int fd) { return sync_file("fsync", fd); }
int fdatasync(int fd) { return sync_file("fdatasync", fd); }

static ssize_t write_at(int fd, const void *bytes, size_t size, off64_t offset) {
  static ssize_t (*next)(int, const void *, size_t, off64_t);
  if (!next) next = dlsym(RTLD_NEXT, "pwrite64");
  char name[256];
  name_of(fd, name, sizeof name);
  int error = fault("write", name);
  if (error) {
    errno = error;
    return -1;
  }
  note_write(name, offset, size);
  return next(fd, bytes, size, offset);
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t offset) {
  return write_at(fd, bytes, size, offset);
}
ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset) {
  return write_at(fd, bytes, size, offset);
}

static int open_checked(const char *path, int flags, mode_t mode) {
  if ((flags & O_ACCMODE) != O_RDONLY) {
    const char *name = base_name(path);
    int error = strncmp(name, "floor.", 6) ? 0 : fault("open", name);
    if (error) {
      errno = error;
      return -1;
    }
  }
  return open_file(path, flags, mode);
}

int open(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return open_checked(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return open_checked(path, flags, mode);
}

/* Blocks that are cut off, or whose file is gone, are nobody's any more. */
static void forget_blocks(const char *name, off64_t from) {
  if (!is_shadowed(name)) return;
  struct blocks *blocks = blocks_of(name);
  for (off64_t block = (from + BLOCK - 1) / BLOCK; block < MAX_BLOCKS; block++) {
    blocks->written[block] = 0;
    blocks->lost[block] = 0;
  }
}

int ftruncate64(int fd, off64_t size) {
  int (*next)(int, off64_t) = dlsym(RTLD_NEXT, "ftruncate64");
  char name[256];
  name_of(fd, name, sizeof name);
  int result = next(fd, size);
  if (result == 0) forget_blocks(name, size);
  return result;
}

int unlink(const char *path) {
  int (*next)(const char *) = dlsym(RTLD_NEXT, "unlink");
  int result = next(path);
  if (result == 0) forget_blocks(base_name(path), 0);
  return result;
}
