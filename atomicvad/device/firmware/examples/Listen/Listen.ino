// Lights the LED while somebody speaks: Arduino Nano 33 BLE Sense, its own microphone.
#include <PDM.h>
#include <atomicvad.h>

static const size_t ROOM = 4096;  // samples between the microphone and the detector: 0.26 s
static avad_stream stream;
static int16_t waiting[ROOM];
static volatile size_t written = 0;  // samples since the start, as `taken`
static volatile size_t taken = 0;
static volatile bool lost = false;

static void on_samples() {
  static int16_t received[512];
  const size_t count = PDM.read(received, min((size_t)PDM.available(), sizeof received)) / 2;
  if (written + count - taken > ROOM) {
    lost = true;  // the loop was late
    return;
  }
  for (size_t i = 0; i < count; i++) {
    waiting[(written + i) % ROOM] = received[i];
  }
  written += count;
}

void setup() {
  pinMode(LED_BUILTIN, OUTPUT);
  Serial.begin(115200);
  avad_stream_init(&stream);
  PDM.onReceive(on_samples);
  if (!PDM.begin(1, AVAD_SAMPLE_RATE)) {
    Serial.println("no microphone");
    while (true) {
    }
  }
}

void loop() {
  static int16_t hop[AVAD_HOP];
  if (lost) {
    lost = false;
    Serial.println("samples were lost");
  }
  if (written - taken < AVAD_HOP) {
    return;
  }
  for (size_t i = 0; i < AVAD_HOP; i++) {
    hop[i] = waiting[(taken + i) % ROOM];
  }
  taken += AVAD_HOP;
  const int16_t logit = avad_stream_push(&stream, hop);
  digitalWrite(LED_BUILTIN, logit >= 0 ? HIGH : LOW);  // AVAD_NOT_READY is far below 0
}
