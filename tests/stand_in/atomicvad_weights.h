#include <stdint.h>
static const int16_t weight[4] = {3, -5, 7, -11};
