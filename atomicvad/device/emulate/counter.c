/* A plugin for QEMU: counts the instructions of the detector, by call and by block.

   qemu-system-arm -plugin counter.so,begin=ADDRESS,end=ADDRESS,entry=ADDRESS,out=FILE ...

   begin and end: the detector's code. entry: the function that decides; each time that it begins, a
   call begins. The file then has a line "call INSTRUCTIONS" a call, and "block ADDRESS INSTRUCTIONS
   TIMES" for each block of instructions. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of QEMU's interface for plugins, what is used here. */
struct qemu_plugin_tb;
typedef void (*translation_t)(uint64_t id, struct qemu_plugin_tb *block);
typedef void (*execution_t)(unsigned int processor, void *data);
typedef void (*end_t)(uint64_t id, void *data);
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, translation_t callback);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *block, execution_t callback,
                                          int flags, void *data);
void qemu_plugin_register_atexit_cb(uint64_t id, end_t callback, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *block);

int qemu_plugin_version = PLUGIN_VERSION;

typedef struct block {
    uint64_t address, instructions, times;
    struct block *next;
} block_t;

static block_t *blocks;
static uint64_t begin, end, entry, calls, room, *by_call;
static const char *out;

static void count(unsigned int processor, void *data)
{
    block_t *block = data;
    (void)processor;
    if (block->address == entry) {
        if (calls == room) {
            room = 2 * room + 64;
            by_call = realloc(by_call, room * sizeof *by_call);
        }
        by_call[calls++] = 0;
    }
    if (calls > 0) {
        by_call[calls - 1] += block->instructions;
        block->times++;
    }
}

static void translate(uint64_t id, struct qemu_plugin_tb *block)
{
    const uint64_t address = qemu_plugin_tb_vaddr(block);
    (void)id;
    if (address >= begin && address < end) {
        block_t *data = malloc(sizeof *data);
        data->address = address;
        data->instructions = qemu_plugin_tb_n_insns(block);
        data->times = 0;
        data->next = blocks;
        blocks = data;
        qemu_plugin_register_vcpu_tb_exec_cb(block, count, 0, data);
    }
}

static void report(uint64_t id, void *data)
{
    FILE *file = fopen(out, "w");
    (void)id;
    (void)data;
    if (file == NULL) {
        return;
    }
    for (uint64_t i = 0; i < calls; i++) {
        fprintf(file, "call %" PRIu64 "\n", by_call[i]);
    }
    for (const block_t *block = blocks; block != NULL; block = block->next) {
        fprintf(file, "block %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", block->address,
                block->instructions, block->times);
    }
    fclose(file);
}

__attribute__((visibility("default"))) int qemu_plugin_install(uint64_t id, const void *info,
                                                                int count_of_arguments,
                                                                char **arguments)
{
    (void)info;
    for (int i = 0; i < count_of_arguments; i++) {
        char *value = strchr(arguments[i], '=');
        *value++ = '\0';
        if (strcmp(arguments[i], "begin") == 0) {
            begin = strtoull(value, NULL, 0);
        } else if (strcmp(arguments[i], "end") == 0) {
            end = strtoull(value, NULL, 0);
        } else if (strcmp(arguments[i], "entry") == 0) {
            entry = strtoull(value, NULL, 0);
        } else {
            out = value;
        }
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
    qemu_plugin_register_atexit_cb(id, report, NULL);
    return 0;
}
