/* The detector for Python: several models at once, which share the front end.
 *
 * Weights come as one `avad_weights` for each model, streams as one `avad_stream` for each; Python
 * owns all memory. Built against the stable interface, for Python 3.11 and later.
 */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include <string.h>

#define AVAD_HOST
/* Vectors of 16 bytes, which every x86-64 and every 64-bit ARM has. */
#if defined(__GNUC__) && (defined(__SSE2__) || defined(__ARM_NEON)) && !defined(AVAD_NO_LANES)
#define AVAD_LANES 4
#endif
#include "atomicvad.c"

/* Compiled twice for x86-64, with AVX2 and for every processor, with all that is called; which one
 * runs is chosen when the module is loaded. */
#define CLONED
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#if __GNUC__ >= 12
#undef CLONED
#define CLONED __attribute__((flatten, target_clones("arch=x86-64-v3", "default")))
#endif
#endif

/* Whether `buffer` holds `count` elements of `size` bytes, and begins where the processor wants. */
static int fits(const Py_buffer *buffer, Py_ssize_t count, size_t size, const char *name)
{
    if (buffer->len == count * (Py_ssize_t)size && (uintptr_t)buffer->buf % 8 == 0) {
        return 1;
    }
    PyErr_Format(PyExc_ValueError, "%s: expected %zd times %zu bytes, aligned to 8; got %zd", name,
                 count, size, buffer->len);
    return 0;
}

/* The number of models whose weights these are; 0, and an error, if they are none. */
static Py_ssize_t models_in(const Py_buffer *weights)
{
    const Py_ssize_t count = weights->len / (Py_ssize_t)sizeof(avad_weights);
    if (count == 0) {
        PyErr_SetString(PyExc_ValueError, "weights: expected those of one model at least");
        return 0;
    }
    return fits(weights, count, sizeof(avad_weights), "weights") ? count : 0;
}

CLONED static void score_windows(const int16_t *samples, Py_ssize_t step, Py_ssize_t windows,
                                 const avad_weights *weights, Py_ssize_t models, int16_t *logits)
{
    avad_workspace workspace;
    for (Py_ssize_t n = 0; n < windows; n++) {
        window_mfcc(&workspace, samples + n * step);
        for (Py_ssize_t model = 0; model < models; model++) {
            avad_model = weights + model;
            *logits++ = window_logit(&workspace);
        }
    }
}

static PyObject *windows(PyObject *self, PyObject *arguments)
{
    Py_buffer samples, weights, logits;
    Py_ssize_t step, count = 0, models;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "y*ny*w*", &samples, &step, &weights, &logits)) {
        return NULL;
    }
    models = models_in(&weights);
    if (models > 0) {
        count = logits.len / (models * (Py_ssize_t)sizeof(int16_t));
        if (step < 1) {
            PyErr_SetString(PyExc_ValueError, "step: expected 1 or more");
        } else if (count > 0 && fits(&logits, count * models, sizeof(int16_t), "logits") &&
                   fits(&samples, (count - 1) * step + AVAD_WINDOW, sizeof(int16_t), "samples")) {
            Py_BEGIN_ALLOW_THREADS
            score_windows(samples.buf, step, count, weights.buf, models, logits.buf);
            Py_END_ALLOW_THREADS
        }
    }
    PyBuffer_Release(&samples);
    PyBuffer_Release(&weights);
    PyBuffer_Release(&logits);
    if (PyErr_Occurred()) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *start(PyObject *self, PyObject *arguments)
{
    Py_buffer streams;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "w*", &streams)) {
        return NULL;
    }
    const Py_ssize_t models = streams.len / (Py_ssize_t)sizeof(avad_stream);
    if (fits(&streams, models, sizeof(avad_stream), "streams")) {
        avad_stream *const stream = streams.buf;
        memset(stream, 0, (size_t)streams.len);
        for (Py_ssize_t model = 0; model < models; model++) {
            avad_stream_init(stream + model);
        }
    }
    PyBuffer_Release(&streams);
    if (PyErr_Occurred()) {
        return NULL;
    }
    Py_RETURN_NONE;
}

/* A hop's logits of all models, once the FFT has taken the lane of its frame. */
static inline void decide(int32_t *lane, const avad_weights *weights, avad_stream *streams,
                          Py_ssize_t models, int16_t *logits)
{
    int32_t logarithms[AVAD_BANDS];
    log_mel(lane);
    for (int32_t n = 0; n < AVAD_BANDS; n++) {
        logarithms[n] = lane[LANES * n];
    }
    stream_mfcc(streams, logarithms);
    for (Py_ssize_t model = 0; model < models; model++) {
        if (model > 0) {
            streams[model].patch = streams->patch;
        }
        avad_model = weights + model;
        logits[model] = stream_decision(streams + model);
    }
}

/* The first stream's front end is that of all. */
CLONED static void push_hops(const int16_t *samples, Py_ssize_t hops, const avad_weights *weights,
                             avad_stream *streams, Py_ssize_t models, int16_t *logits)
{
    avad_lanes spectra[AVAD_FFT];
    int32_t *const first = (int32_t *)spectra;
    while (hops > 0) {
        const int32_t *const end = first + (hops < LANES ? hops : LANES);
        if (hops < LANES) {
            memset(spectra, 0, sizeof spectra); /* the lanes that stay empty */
        }
        for (int32_t *lane = first; lane < end; lane++) {
            stream_hear(streams, samples, lane);
            samples += AVAD_HOP;
        }
        transform(spectra);
        split(spectra);
        for (int32_t *lane = first; lane < end; lane++) {
            decide(lane, weights, streams, models, logits);
            logits += models;
        }
        hops -= end - first;
    }
}

static PyObject *push(PyObject *self, PyObject *arguments)
{
    Py_buffer samples, weights, streams, logits;
    Py_ssize_t hops, models;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "y*y*w*w*", &samples, &weights, &streams, &logits)) {
        return NULL;
    }
    models = models_in(&weights);
    hops = samples.len / (AVAD_HOP * (Py_ssize_t)sizeof(int16_t));
    if (models > 0 && fits(&streams, models, sizeof(avad_stream), "streams") &&
        fits(&samples, hops * AVAD_HOP, sizeof(int16_t), "samples") &&
        fits(&logits, hops * models, sizeof(int16_t), "logits")) {
        Py_BEGIN_ALLOW_THREADS
        push_hops(samples.buf, hops, weights.buf, streams.buf, models, logits.buf);
        Py_END_ALLOW_THREADS
    }
    PyBuffer_Release(&samples);
    PyBuffer_Release(&weights);
    PyBuffer_Release(&streams);
    PyBuffer_Release(&logits);
    if (PyErr_Occurred()) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"windows", windows, METH_VARARGS,
     "windows(samples, step, weights, logits): score windows of 10,080 samples every step samples"},
    {"start", start, METH_VARARGS, "start(streams): begin one stream for each model"},
    {"push", push, METH_VARARGS,
     "push(samples, weights, streams, logits): whole hops of 160 samples, a logit each and model"},
    {NULL, NULL, 0, NULL},
};

static int add_sizes(PyObject *module)
{
    return PyModule_AddIntConstant(module, "STREAM_BYTES", sizeof(avad_stream)) ||
           PyModule_AddIntConstant(module, "WEIGHTS_BYTES", sizeof(avad_weights));
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, add_sizes}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_compiled", NULL, 0, methods, slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__compiled(void)
{
    return PyModuleDef_Init(&definition);
}
