#include "transports/bootstrap_script.h"

#include "absl/strings/str_cat.h"

namespace dist {
namespace {

// Variables: m mark; k `uname -sm`; i user; u umask; c cache folder; t folder
// that is being filled; d the program's; h G R F hash, packed bytes, KiB and
// listing of our program, B its bytes; l p loader and program; n all names; w
// encoding; v this machine, as long as it is up; j inode of c; y an answer.
//
// Functions take folders as $1. Nothing but `read` and `receive` may read
// stdin: what follows there is not for them.
constexpr char kCommand[] =
    "exec sh -c '"
    "set -f; m=dist-bootstrap-1; k=$(uname -sm 2>/dev/null </dev/null); "
    "echo; echo \"$m hello $k\"; "
    "u=$(umask); umask 077; i=$(id -u </dev/null); t=; h=; "
    "bye() { [ -z \"$t\" ] || rm -rf \"$t\"; }; "
    "trap bye EXIT; trap \"exit 1\" HUP INT TERM PIPE; "
    "while read -r s a x g b r f; do "
    "[ \"$s\" = end ] && break; "
    "[ \"$s $a\" = \"$k\" ] && { h=$x; G=$g; B=$b; R=$r; F=$f; }; "
    "done; "
    "[ \"$s\" = end ] || exit 1; "
    "[ \"$h\" ] || { echo \"$m platform\"; exit 1; }; "
    "set -- $F; l=$2; p=$4; n=; "
    "while [ $# -gt 1 ]; do n=\"$n $2\"; shift 2; done; "

    // A tool that knows SHA-256, tried on nothing; else the program itself.
    "e=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855; "
    "H=; for x in \"openssl dgst -sha256 -r\" sha256sum \"shasum -a 256\"; do "
    "[ \"$H\" ] && break; "
    "case $($x </dev/null 2>/dev/null) in $e*) H=$x;; esac; done; "
    "digest() { if [ \"$H\" ]; then $H; else "
    "\"$1/$l\" --library-path \"$1\" \"$1/$p\" node --hash; fi; }; "
    "whole() { [ -f \"$1/$p\" ] && "
    "case $( (cd \"$1\" && echo \"$F\" && cat $n) 2>/dev/null | "
    "digest \"$1\" 2>/dev/null) in \"$h \"*) ;; *) false;; esac; }; "

    // Ours, no link, nobody else may write: then nobody can change what is in
    // it between the check and the start.
    "own() { set -- \"$1\" $(LC_ALL=C ls -ldin \"$1\" 2>/dev/null </dev/null); "
    "j=$2; case \"$3 $5\" in drwx?-?"
    "?-?*\" $i\") ;; *) false;; esac; }; "
    "run() { touch \"$1\" 2>/dev/null; echo \"$m run $1\"; umask \"$u\"; "
    "exec \"$1/$l\" --library-path \"$1\" --argv0 dist \"$1/$p\" "
    "node --stdio; }; "

    "d=; case ${XDG_CACHE_HOME-} in /*) d=$XDG_CACHE_HOME/dist;; esac; "
    "o=; [ -d \"${HOME-}\" ] && o=$HOME/.cache/dist; "
    "set -- \"$d\" \"$o\" \"/var/tmp/dist-$i\" \"/dev/shm/dist-$i\"; "
    "for c; do d=$c/programs/$h; "
    "[ \"$c\" ] && own \"$c\" && whole \"$d\" && "
    "\"$d/$l\" --version >/dev/null 2>&1 </dev/null && run \"$d\"; done; "

    // It is in no cache.
    "w=plain; command -v gzip >/dev/null 2>&1 && w=gzip; "
    "v=$(cat /proc/sys/kernel/random/boot_id 2>/dev/null </dev/null); "
    "ask() { echo \"$m need $w ${v:--}${v:+.$j} $c\"; read -r y || exit 1; }; "
    "no() { echo \"$m no $c: $*\"; }; "
    "drop() { rm -rf \"$t\"; t=; }; "
    "receive() { if [ $w = gzip ]; then "
    "LC_ALL=C dd bs=$G count=1 iflag=fullblock | gzip -dc; "
    "else LC_ALL=C dd bs=$B count=1 iflag=fullblock; fi; }; "
    "unpack() { cd \"$t\" && set -- $F && while [ $# -gt 1 ]; do "
    "LC_ALL=C dd bs=$1 count=1 iflag=fullblock of=$2; shift 2; done; }; "
    "words() { while read -r y; do case $y in "
    "(*records*|*bytes*|*copied*|\"\") ;; (*) echo \"$y\";; esac; done; }; "
    "for c; do [ \"$c\" ] || continue; "
    "e=$(LC_ALL=C mkdir -p \"${c%/*}\" 2>&1 </dev/null) || "
    "{ no $e; continue; }; "
    // Of two at once, one fails.
    "[ -d \"$c\" ] || e=$(LC_ALL=C mkdir \"$c\" 2>&1 </dev/null) || "
    "[ -d \"$c\" ] || { no $e; continue; }; "
    "own \"$c\" || { no it is not a folder that only this user may write to; "
    "continue; }; "
    "t=$c/programs/t.$(uname -n </dev/null).$$; "
    "e=$(LC_ALL=C mkdir -p \"$t\" 2>&1 </dev/null) || "
    "{ t=; no $e; continue; }; "
    // What nobody has used for two weeks, and what others left half-done.
    "find \"$c/programs/.\" -name . -o -prune -mtime +13 "
    "-exec rm -rf {} + 2>/dev/null </dev/null; "
    "e=$( (echo : >\"$t/x\" && chmod 700 \"$t/x\" && \"$t/x\") 2>&1 "
    "</dev/null) || { no programs cannot be executed there: $e; drop; "
    "continue; }; rm -f \"$t/x\"; "
    "a=$(df -Pk \"$t\" 2>/dev/null </dev/null | "
    "(read -r x; read -r x x x a x; echo \"$a\")); "
    "[ \"${a:-x}\" -lt \"$R\" ] 2>/dev/null && "
    "{ no no space left: $R KiB are needed, $a KiB are free; drop; "
    "continue; }; "
    "d=$c/programs/$h; ask; "
    // Another start has put it there meanwhile, if that was this machine.
    "[ \"$y\" = look ] && { whole \"$d\" && drop && run \"$d\"; v=; ask; }; "
    "e=$( (receive | (unpack) ) 2>&1 | words); "
    "chmod 700 \"$t/$l\" \"$t/$p\" 2>/dev/null; "
    "whole \"$t\" || "
    "{ no ${e:-what arrived is not what was sent}; drop; continue; }; "
    // Only what is there and broken: another start may put its own in place
    // at any moment, and run it.
    "[ -e \"$d\" ] && { whole \"$d\" || rm -rf \"$d\"; }; "
    "if whole \"$d\"; then drop; else "
    // Somebody else may have been quicker by so little that mv fails, or that
    // ours is inside theirs.
    "e=$(LC_ALL=C mv \"$t\" \"$d\" 2>&1 </dev/null) || whole \"$d\" || "
    "{ no $e; drop; continue; }; "
    "rm -rf \"$d/${t##*/}\" \"$t\"; t=; fi; "
    "run \"$d\"; done; "
    "echo \"$m none\"; exit 1'";

constexpr char kRelay[] =
    "exec sh -c 'echo; echo dist-bootstrap-1 relay; IFS= read -r c; "
    "eval \"$c\"'";

}  // namespace

absl::string_view BootstrapCommand() { return kCommand; }

absl::string_view RelayCommand() { return kRelay; }

std::string BootstrapTable(const Bundles& bundles) {
  std::string table;
  for (const Bundle& bundle : bundles.all()) {
    const BundleHead& head = bundle.head;
    absl::StrAppend(&table, head.system, " ", head.hash, " ",
                    bundle.packed_size, " ", head.size, " ",
                    head.size / 1024 + 1, " ", head.listing, "\n");
  }
  return absl::StrCat(table, "end\n");
}

}  // namespace dist
