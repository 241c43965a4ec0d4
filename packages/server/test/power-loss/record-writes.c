// Preloaded into a process (LD_PRELOAD), writes down everything that it does to the files of one folder, in order:
// CALLA_FOLDER names the folder, CALLA_TRACE the file that the record goes to. trace.ts reads it. SQLite is linked into
// its addon and calls the C library like anybody, so it is seen too. What is mapped into memory is not (SQLite maps only
// its index of the write-ahead log, which it makes anew after a crash).
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { OPEN = 1, WRITE = 2, TRUNCATE = 3, SYNC = 4, UNLINK = 5, SYNC_FOLDER = 6 };
enum { MOST = 4096, A_FOLDER = -1 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int trace = -1;
static const char *folder;
static size_t folder_length;
static int opened;    // files opened so far
static int ids[MOST]; // by descriptor: which of these, or the folder; 0: not ours

#define REAL(type, name, ...) static type (*real_##name)(__VA_ARGS__)
REAL(int, open, const char *, int, ...);
REAL(int, open64, const char *, int, ...);
REAL(int, close, int);
REAL(ssize_t, write, int, const void *, size_t);
REAL(ssize_t, pwrite, int, const void *, size_t, off_t);
REAL(ssize_t, pwrite64, int, const void *, size_t, off64_t);
REAL(int, ftruncate, int, off_t);
REAL(int, ftruncate64, int, off64_t);
REAL(int, fsync, int);
REAL(int, fdatasync, int);
REAL(int, unlink, const char *);

__attribute__((constructor)) static void begin(void) {
#define FIND(name) real_##name = dlsym(RTLD_NEXT, #name)
  FIND(open);
  FIND(open64);
  FIND(close);
  FIND(write);
  FIND(pwrite);
  FIND(pwrite64);
  FIND(ftruncate);
  FIND(ftruncate64);
  FIND(fsync);
  FIND(fdatasync);
  FIND(unlink);
  folder = getenv("CALLA_FOLDER");
  const char *to = getenv("CALLA_TRACE");
  if (folder == NULL || to == NULL) return;
  folder_length = strlen(folder);
  trace = real_open(to, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

// One line of the record: kind, file, offset, length, bytes.
static void note(uint32_t kind, int32_t id, uint64_t offset, const void *bytes, uint32_t length) {
  struct __attribute__((packed)) {
    uint32_t kind;
    int32_t id;
    uint64_t offset;
    uint32_t length;
  } head = {kind, id, offset, length};
  struct iovec parts[2] = {{&head, sizeof head}, {(void *)bytes, length}};
  if (writev(trace, parts, length > 0 ? 2 : 1) != (ssize_t)(sizeof head + length)) abort();
}

static int id_of(int fd) { return trace >= 0 && fd >= 0 && fd < MOST ? ids[fd] : 0; }

// The name within the folder; "" is the folder itself; NULL: elsewhere.
static const char *name_of(const char *path) {
  if (trace < 0 || strncmp(path, folder, folder_length) != 0) return NULL;
  if (path[folder_length] == 0) return "";
  return path[folder_length] == '/' ? path + folder_length + 1 : NULL;
}

static int noted_open(const char *path, int flags, int fd) {
  const char *name = fd < 0 || fd >= MOST ? NULL : name_of(path);
  if (name == NULL) return fd;
  pthread_mutex_lock(&lock);
  if (*name == 0) {
    ids[fd] = A_FOLDER;
  } else {
    ids[fd] = ++opened;
    note(OPEN, ids[fd], 0, name, strlen(name));
    if (flags & O_TRUNC) note(TRUNCATE, ids[fd], 0, NULL, 0);
  }
  pthread_mutex_unlock(&lock);
  return fd;
}

#define MODE(flags)                              \
  mode_t mode = 0;                               \
  if (flags & (O_CREAT | O_TMPFILE)) {           \
    va_list more;                                \
    va_start(more, flags);                       \
    mode = va_arg(more, mode_t);                 \
    va_end(more);                                \
  }
int open(const char *path, int flags, ...) {
  MODE(flags)
  return noted_open(path, flags, real_open(path, flags, mode));
}
int open64(const char *path, int flags, ...) {
  MODE(flags)
  return noted_open(path, flags, real_open64(path, flags, mode));
}
int close(int fd) {
  if (id_of(fd) != 0) ids[fd] = 0;
  return real_close(fd);
}

// A call and its line are one step: what another thread does comes before or after both.
#define STEP(type, call, good, line)             \
  int id = id_of(fd);                            \
  if (id == 0) return call;                      \
  pthread_mutex_lock(&lock);                     \
  type result = call;                            \
  if (good) line;                                \
  pthread_mutex_unlock(&lock);                   \
  return result;

ssize_t write(int fd, const void *bytes, size_t length) {
  STEP(ssize_t, real_write(fd, bytes, length), result > 0,
       note(WRITE, id, (uint64_t)lseek(fd, 0, SEEK_CUR) - result, bytes, result))
}
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) {
  STEP(ssize_t, real_pwrite(fd, bytes, length, offset), result > 0, note(WRITE, id, offset, bytes, result))
}
ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
  STEP(ssize_t, real_pwrite64(fd, bytes, length, offset), result > 0, note(WRITE, id, offset, bytes, result))
}
int ftruncate(int fd, off_t size) {
  STEP(int, real_ftruncate(fd, size), result == 0, note(TRUNCATE, id, size, NULL, 0))
}
int ftruncate64(int fd, off64_t size) {
  STEP(int, real_ftruncate64(fd, size), result == 0, note(TRUNCATE, id, size, NULL, 0))
}
int fsync(int fd) {
  STEP(int, real_fsync(fd), result == 0, note(id == A_FOLDER ? SYNC_FOLDER : SYNC, id, 0, NULL, 0))
}
int fdatasync(int fd) {
  STEP(int, real_fdatasync(fd), result == 0, note(id == A_FOLDER ? SYNC_FOLDER : SYNC, id, 0, NULL, 0))
}
int unlink(const char *path) {
  const char *name = name_of(path);
  if (name == NULL) return real_unlink(path);
  pthread_mutex_lock(&lock);
  int result = real_unlink(path);
  if (result == 0) note(UNLINK, 0, 0, name, strlen(name));
  pthread_mutex_unlock(&lock);
  return result;
}
