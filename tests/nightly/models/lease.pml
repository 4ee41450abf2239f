/*
 * The lease. Local entries are served while a heartbeat that this instance published has come back over its own
 * subscription, for REVOCATION from when it was sent; without that, for REVOCATION from when the endpoint was asked.
 * Time is in whole steps, of the instance's clock alone. One revocation, by anybody.
 *
 * Checked: a request that begins REVOCATION or more after the revocation was acknowledged never gets the older decision.
 *
 * Messages may be late without bound, the instance may be frozen at any point, a subscription may be dead for any time
 * before the instance notices, and the primary may become a replica while its connections stay open.
 * Each -D is a mistake that spin must find.
 */

#define REVOCATION 2
#define LAST 5
#ifndef FAULTS
#define FAULTS 2
#endif
#define NEVER 255
#define PUSH 254

byte time;

/* The endpoint, and the revocation. */
byte version;
byte acknowledgedAt = NEVER;

/* The server that the instance is connected to. A push that is executed elsewhere does not reach it. */
bool isPrimary = true;
bool isSubscribed = true; /* What the server thinks. False: the connection is half-open. */
byte faults;
chan stream = [2] of { byte }; /* Server to subscriber, in the order of execution. One place is the push's. */
chan wire = [1] of { byte }; /* Heartbeats on their way to the server, with the time of sending. */

/* The instance. */
byte leaseEnd, generation;
bool isKept; byte keptStamp, keptSince; /* The older decision. A newer one may be served for ever. */
bool isAsking, isAnswered, isJoined; byte askedVersion, askedStamp, askedSince;

/* A time that lies REVOCATION back counts like any earlier one. */
#define FORGET(since) if :: since != NEVER && time - since >= REVOCATION -> since = 0 :: else fi

proctype Clock() {
  do
  :: atomic { time < LAST ->
       time++;
       FORGET(keptSince);
       FORGET(askedSince);
       FORGET(acknowledgedAt);
       if
       :: leaseEnd <= time -> leaseEnd = 0
       :: else
       fi
     }
  :: else -> break
  od
}

proctype Revoker() {
  version = 1;
  atomic {
    if
    :: isPrimary && isSubscribed -> stream!PUSH
    :: else /* Executed by the new primary, or the message is lost. */
    fi
  };
  atomic { acknowledgedAt = time }
}

proctype Server() {
  byte sentAt;
  do
  :: atomic { wire?sentAt ->
       if
#ifdef PLAIN_HEARTBEAT
       :: isSubscribed && empty(stream) -> stream!sentAt
#else
       :: isSubscribed && isPrimary && empty(stream) -> stream!sentAt /* A replica says READONLY. */
#endif
       :: true /* The command connection is dead. */
       fi;
       sentAt = 0
     }
  :: atomic { faults < FAULTS && isSubscribed -> faults++; isSubscribed = false }
  :: atomic { faults < FAULTS && isPrimary -> faults++; isPrimary = false }
  :: time == LAST -> break
  od
}

#define HAS_LEASE (time < leaseEnd)
#define IS_PROVEN(since) (time - (since) < REVOCATION)
#ifdef NO_LEASE
#define IS_GOOD(stamp, since) (stamp == generation)
#else
#define IS_GOOD(stamp, since) (stamp == generation && (HAS_LEASE || IS_PROVEN(since)))
#endif

#define MAY_BE_OLD (acknowledgedAt == NEVER || time < acknowledgedAt + REVOCATION)

proctype Instance() {
  byte message;
  do
  /* A heartbeat is sent. */
  :: atomic { nfull(wire) && time < LAST -> wire!time }
  /* Messages are handled. */
  :: atomic { stream?message ->
       if
       :: message == PUSH -> generation++
       :: else ->
#ifdef LEASE_FROM_RECEIPT
          leaseEnd = time + REVOCATION
#else
          if
          :: message + REVOCATION > leaseEnd -> leaseEnd = message + REVOCATION
          :: else
          fi
#endif
       fi;
       message = 0
     }
  /* A new subscription, to the primary. What was sent before is forgotten. */
  :: atomic { !isSubscribed || !isPrimary ->
       do
       :: stream?message
       :: empty(stream) -> break
       od;
       do
       :: wire?message
       :: empty(wire) -> break
       od;
       message = 0;
       isSubscribed = true; isPrimary = true;
#ifndef NO_FLUSH
       generation++; leaseEnd = 0
#endif
     }
  /* A request: a hit, a call that it joins, or a call of its own. */
  :: atomic { isKept && IS_GOOD(keptStamp, keptSince) -> assert(MAY_BE_OLD) }
#ifdef JOINED_AT_ANY_TIME
  :: atomic { isAsking && !MAY_BE_OLD -> isJoined = true }
#else
  :: atomic { isAsking && IS_GOOD(askedStamp, askedSince) && !MAY_BE_OLD -> isJoined = true }
#endif
  :: atomic { !isAsking && time < LAST ->
       isAsking = true; askedStamp = generation; askedSince = time
     }
  :: atomic { isAsking && !isAnswered -> isAnswered = true; askedVersion = version }
  :: atomic { isAnswered ->
       assert(askedVersion == 1 || !isJoined);
       if
       :: askedStamp == generation ->
          isKept = askedVersion == 0;
          keptStamp = askedStamp;
#ifdef FRESH_FROM_ANSWER
          keptSince = time
#else
          keptSince = askedSince
#endif
       :: else
       fi;
       isAsking = false; isAnswered = false; isJoined = false;
       askedVersion = 0; askedStamp = 0; askedSince = 0
     }
  :: time == LAST -> break
  od
}

init {
  atomic { run Clock(); run Revoker(); run Server(); run Instance() }
}
