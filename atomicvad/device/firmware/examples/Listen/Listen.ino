// Lights the LED while somebody speaks: Arduino Nano 33 BLE Sense, its own microphone.
#include <PDM.h>
#include <atomicvad.h>

static avad_stream stream;
static int16_t hop[AVAD_HOP];
static int16_t received[512];
static volatile size_t waiting = 0;

static void on_samples() {
  const size_t bytes = PDM.available();
  waiting = PDM.read(received, min(bytes, sizeof received)) / sizeof received[0];
}

void setup() {
  pinMode(LED_BUILTIN, OUTPUT);
  avad_stream_init(&stream);
  PDM.onReceive(on_samples);
  PDM.begin(1, AVAD_SAMPLE_RATE);
}

void loop() {
  static int16_t heard[512];
  static size_t held = 0;
  noInterrupts();
  const size_t count = waiting;
  memcpy(heard, received, count * sizeof heard[0]);
  waiting = 0;
  interrupts();
  for (size_t i = 0; i < count; i++) {
    hop[held++] = heard[i];
    if (held == AVAD_HOP) {
      held = 0;
      const int16_t logit = avad_stream_push(&stream, hop);
      digitalWrite(LED_BUILTIN, logit >= 0 ? HIGH : LOW);  // AVAD_NOT_READY is far below 0
    }
  }
}
