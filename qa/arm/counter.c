/* Counts the instructions of an emulated program: a plugin for QEMU's emulators of single programs.
 *
 *   qemu-aarch64 -plugin counter.so,counter=FILE PROGRAM
 *
 * The first eight bytes of FILE, which must be there, hold the count in this machine's byte order. The program may read
 * them at any time, and so learn how many instructions a part of its work takes. One thread counts exactly; threads
 * that run at the same time may miss some of each other's.
 *
 * Debian 12's package of QEMU has no header for plugins. What is used of their interface, version 1, is declared here.
 */

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
enum operation { ADD_U64 };

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, void (*translated)(plugin_id, struct qemu_plugin_tb *));
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *block, enum operation op, void *at, uint64_t by);

#define EXPORTED __attribute__((visibility("default")))

EXPORTED int qemu_plugin_version = 1;

static uint64_t *count;

/* A block that was translated adds its number of instructions whenever it is run. */
static void translated(plugin_id id, struct qemu_plugin_tb *block)
{
    (void)id;
    qemu_plugin_register_vcpu_tb_exec_inline(block, ADD_U64, count, qemu_plugin_tb_n_insns(block));
}

EXPORTED int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
    static const char option[] = "counter=";
    (void)info;
    if (argc != 1 || strncmp(argv[0], option, strlen(option)) != 0) {
        fprintf(stderr, "counter: give one option, counter=FILE\n");
        return 1;
    }
    int file = open(argv[0] + strlen(option), O_RDWR);
    count = file < 0 ? MAP_FAILED : mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (count == MAP_FAILED) {
        perror(argv[0]);
        return 1;
    }
    close(file);
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}
