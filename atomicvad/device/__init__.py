"""The detector for microcontrollers: integer arithmetic, C sources, exports, emulation."""
