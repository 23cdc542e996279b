#ifndef IRC_STATUS
#define IRC_STATUS
typedef enum irc_status {
    IRC_OK = 0,
    IRC_ARGUMENT = 1,
    IRC_SHAPE = 2,
    IRC_BOUNDS = 3,
    IRC_ASSERT = 4,
    IRC_MEMORY = 5,
    IRC_DEVICE = 6
} irc_status;
typedef uint16_t irc_f16;  /* the bits of an IEEE binary16 */
typedef uint16_t irc_bf16; /* the upper half of an IEEE binary32 */
#endif
