#include "transports/bootstrap_script.h"

#include "absl/strings/str_cat.h"

namespace dist {
namespace {

// Variables: m mark; k `uname -sm`; i user; u umask; c cache folder; t folder
// that is being filled; d the program's; L what the table says of our program:
// h hash, S hash of its launcher, G packed bytes, B bytes, R KiB, F listing;
// l p launcher and loader; z this script, if it may begin anew; H tool that
// hashes; x the launcher's descriptor; w encoding; v this machine, as long as
// it is up; j inode of c; y an answer.
//
// Functions take folders as $1. Nothing but `read` and `receive` may read
// stdin: what follows there is not for them. The script is its own first
// argument: the launcher has it begin anew, with L, where it finds damage.
constexpr char kCommand[] =
    "exec sh -c 'eval \"$1\"' sh '"
    "set -f; m=dist-bootstrap-1; k=$(uname -sm 2>/dev/null </dev/null); "
    "echo; echo \"$m hello $k\"; "
    "u=$(umask); umask 077; i=$(id -u </dev/null); t=; L=${2-}; z=; "
    "drop() { [ -z \"$t\" ] || rm -rf \"$t\"; t=; }; "
    "trap drop EXIT; trap \"exit 1\" HUP INT TERM PIPE; "
    "[ \"$L\" ] || { z=$1; while read -r s a x; do "
    "[ \"$s\" = end ] && break; "
    "[ \"$s $a\" = \"$k\" ] && L=$x; "
    "done; "
    "[ \"$s\" = end ] || exit 1; }; "
    "[ \"$L\" ] || { echo \"$m platform\"; exit 1; }; "
    "set -- $L; h=$1; S=$2; G=$3; B=$4; R=$5; shift 5; F=$*; l=$2; p=$4; "

    // A tool that knows SHA-256, tried on nothing. The launcher is small: the
    // one that starts soonest comes first.
    "e=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855; "
    "H=; for x in sha256sum \"shasum -a 256\" \"openssl dgst -sha256 -r\"; do "
    "[ \"$H\" ] && break; "
    "case $($x </dev/null 2>/dev/null) in $e*) H=$x;; esac; done; "

    // The launcher is executed through the descriptor that was hashed, and does
    // the same with all else. With no tool it verifies itself as well.
    "hold() { [ -f \"$1/$l\" ] && { "
    "case $([ -z \"$H\" ] || $H <&9 2>/dev/null) in \"${H:+$S }\"*) ;; "
    "*) false;; esac && "
    "x=/proc/self/fd/9 && { [ -e $x ] || x=$1/$l; } && $2 \"$1\"; "
    "} 9<\"$1/$l\"; }; "
    "whole() { \"$x\" \"$1\" $h \"$F\" </dev/null 2>/dev/null; }; "
    // Given nothing to do it ends with 1. Where programs cannot be executed the
    // shell says 126; exec would end the shell.
    "run() { \"$x\" </dev/null 2>/dev/null; [ $? = 1 ] || return 1; "
    "drop; touch \"$1\" 2>/dev/null; umask \"$u\"; "
    "exec \"$x\" \"$1\" $h \"$F\" \"$m run $1\" \"$z\" \"$L\" "
    "node --stdio; }; "
    "use() { whole \"$1\" && run \"$1\"; }; "

    // Ours, no link, nobody else may write: then nobody else can write into the
    // files once they are verified.
    "own() { set -- \"$1\" $(LC_ALL=C ls -ldin \"$1\" 2>/dev/null </dev/null); "
    "j=$2; case \"$3 $5\" in drwx?-?"
    "?-?*\" $i\") ;; *) false;; esac; }; "

    "d=; case ${XDG_CACHE_HOME-} in /*) d=$XDG_CACHE_HOME/dist;; esac; "
    "o=; [ -d \"${HOME-}\" ] && o=$HOME/.cache/dist; "
    "set -- \"$d\" \"$o\" \"/var/tmp/dist-$i\" \"/dev/shm/dist-$i\"; "
    // To look first would be to hash it twice.
    "a=use; [ \"$z\" ] && a=run; "
    "for c; do d=$c/programs/$h; "
    "[ \"$c\" ] && own \"$c\" && hold \"$d\" $a; done; z=; "

    // It is in no cache.
    "w=plain; command -v gzip >/dev/null 2>&1 && w=gzip; "
    "v=$(cat /proc/sys/kernel/random/boot_id 2>/dev/null </dev/null); "
    "ask() { echo \"$m need $w ${v:--}${v:+.$j} $c\"; read -r y || exit 1; }; "
    "no() { echo \"$m no $c: $*\"; }; "
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
    "[ \"$y\" = look ] && { hold \"$d\" use; v=; ask; }; "
    "e=$( (receive | (unpack) ) 2>&1 | words); "
    "chmod 700 \"$t/$l\" \"$t/$p\" 2>/dev/null; "
    "hold \"$t\" whole || "
    "{ no ${e:-what arrived is not what was sent}; drop; continue; }; "
    // Only what is there and broken: another start may put its own in place
    // at any moment, and run it.
    "[ -e \"$d\" ] && { hold \"$d\" whole || rm -rf \"$d\"; }; "
    "if hold \"$d\" whole; then drop; else "
    // Somebody else may have been quicker by so little that mv fails, or that
    // ours is inside theirs.
    "e=$(LC_ALL=C mv \"$t\" \"$d\" 2>&1 </dev/null) || "
    "hold \"$d\" whole || { no $e; drop; continue; }; "
    "rm -rf \"$d/${t##*/}\" \"$t\"; t=; fi; "
    "hold \"$d\" run; done; "
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
    absl::StrAppend(&table, head.system, " ", head.hash, " ", head.launcher,
                    " ", bundle.packed_size, " ", head.size, " ",
                    head.size / 1024 + 1, " ", head.listing, "\n");
  }
  return absl::StrCat(table, "end\n");
}

}  // namespace dist
