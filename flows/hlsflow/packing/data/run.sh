#!/bin/sh
# Written by hlsflow: synthesizes the HLS projects beside it with AMD's tools. Needs those and a POSIX shell alone.
#
#   sh run.sh [--stages csynth,cosim,vsynth,export] [--jobs N] [--timeout SECONDS] [MODEL ...]
#   sh run.sh --tools [MODEL ...]      says which tools would be taken, and runs none
#
# A stage that is through is not run again. Afterwards, take results.tar.gz back:  hlsflow import results.tar.gz
# runs/STAGE.sums holds the SHA-256 of its reports with the design's digest: checksums, signed by nobody.
# Tools: PATH, or SETTINGS=/path/to/settings64.sh, or the newest release that has both the HLS tool and vivado, below
# @ROOTS@ (HLSFLOW_XILINX=A:B names others).

set -u
# No tool gives a file such a name, and import takes none.
_odd='[!A-Za-z0-9._@+=~,#%/-]'
here=$(cd "$(dirname "$0")" && pwd) || exit 1
cd "$here" || exit 1
stages=@STAGES@
jobs=1
limit=
models=
one=
show=
while [ $# -gt 0 ]; do
    case $1 in
        --stages) [ $# -ge 2 ] || { echo "run.sh: --stages needs a list" >&2; exit 2; }; stages=$2; shift ;;
        --jobs) [ $# -ge 2 ] || { echo "run.sh: --jobs needs a number" >&2; exit 2; }; jobs=$2; shift ;;
        --timeout) [ $# -ge 2 ] || { echo "run.sh: --timeout needs seconds" >&2; exit 2; }; limit=$2; shift ;;
        --one) one=1 ;;
        --tools) show=1 ;;
        -h|--help) sed -n '2,11s/^# \{0,1\}//p' "$0"; exit 0 ;;
        -*) echo "run.sh: unknown option $1" >&2; exit 2 ;;
        *) models="$models $1" ;;
    esac
    shift
done
for stage in $(echo "$stages" | tr ',' ' '); do
    case $stage in csynth|cosim|vsynth|export) ;; *) echo "run.sh: no stage '$stage'" >&2; exit 2 ;; esac
done
[ -n "$models" ] || models=$(ls models)

if [ -n "${SETTINGS:-}" ]; then
    # settings64.sh reads variables that need not be set
    set +u; . "$SETTINGS"; set -u
fi

value() { sed -n "s/^$2=//p" "$1"; } # FILE KEY

roots=${HLSFLOW_XILINX:-@ROOTS@}

path_version() { # PATH: the version that a folder of it names: …/Vitis/2024.1/bin/…, since 2025.1 …/2025.1/Vitis/bin/…
    echo "$1" | sed -n 's:.*/\(20[0-9][0-9]\.[0-9][0-9.]*\)/.*:\1:p'
}

tool_version() { # PATH
    version=$(path_version "$1")
    if [ -z "$version" ]; then
        case $1 in *vitis-run|*v++) flag=--version ;; *) flag=-version ;; esac
        version=$("$1" "$flag" </dev/null 2>/dev/null | sed -n 's/.*v\{0,1\}\(20[0-9][0-9]\.[0-9]\).*/\1/p' | head -n 1)
    fi
    echo "${version:-unknown}"
}

# A version is year, number and update; an update (2024.1.1) lies in the folder of its release (2024.1).
release() { [ "$1" = unknown ] || echo "$1" | cut -d . -f 1,2; } # VERSION

of_release() { # RELEASE VERSION: whether they fit; what is not known is not known to differ
    [ -z "$1" ] || [ "$2" = unknown ] || [ "$(release "$2")" = "$1" ]
}

installed() { # NAME...: a line `VERSION PATH` for each that is installed, the newest first, then the first NAME first
    (   rank=0
        for name in "$@"; do
            rank=$((rank + 1)); IFS=:
            for root in $roots; do
                for file in "$root"/*/*/bin/"$name"; do
                    if [ -f "$file" ] && [ -x "$file" ]; then
                        version=$(path_version "$file"); IFS=.
                        # shellcheck disable=SC2086
                        set -- $version
                        [ -z "$version" ] || echo "$1 ${2:-0} ${3:-0} $rank $version $file"
                        IFS=:
                    fi
                done
            done
        done
    ) | LC_ALL=C sort -k 1,1nr -k 2,2nr -k 3,3nr -k 4,4n | cut -d ' ' -f 5-
}

vivado_of() { # RELEASE: the vivado of that release, of PATH or installed; nothing where there is none
    file=$(command -v vivado) && of_release "$1" "$(tool_version "$file")" && { echo "$file"; return; }
    installed vivado | while read -r version file; do
        if of_release "$1" "$version"; then echo "$file"; break; fi
    done
}

hls_of() { # KIND RELEASE: the program that runs HLS projects of a kind: of PATH, else the newest that has its vivado
    wanted=$2
    case $1 in vivado) set -- vivado_hls ;; *) set -- vitis-run vitis_hls ;; esac
    for name in "$@"; do
        file=$(command -v "$name") && of_release "$wanted" "$(tool_version "$file")" && { echo "$file"; return; }
    done
    installed "$@" | {
        newest=
        while read -r version file; do
            of_release "$wanted" "$version" || continue
            newest=${newest:-$file}
            if [ -n "$(vivado_of "$(release "$version")")" ]; then
                [ "$newest" = "$file" ] || echo "run.sh: $newest has no vivado of its release: $file is taken" >&2
                echo "$file"; exit
            fi
        done
        echo "$newest"
    }
}

find_tools() { # KIND RELEASE: sets hls and viv to programs of one release, empty where there is none
    hls=$(hls_of "$1" "$2")
    wanted=$2
    [ -z "$hls" ] || wanted=$(release "$(tool_version "$hls")")
    viv=$(vivado_of "$wanted")
    if [ -z "$viv" ] && viv=$(command -v vivado); then
        echo "run.sh: $viv, which is on PATH, is not of the release $wanted: it is used as it is" >&2
    fi
    [ -n "$viv" ] || [ -z "$hls" ] || echo "run.sh: no vivado of the release of $hls: cosim and vsynth need it" >&2
}

show_tools() { # MODEL
    find_tools "$(value "models/$1/target" tool)" "$(release "$(value "models/$1/runs/csynth.status" version 2>/dev/null)")"
    for tool in "$hls" "$viv"; do echo "$1: ${tool:-not found}${tool:+ $(tool_version "$tool")}"; done
}

sha256() { # FILE: its SHA-256 on standard output
    if command -v sha256sum >/dev/null 2>&1; then sha256sum <"$1" | cut -c 1-64
    elif command -v shasum >/dev/null 2>&1; then shasum -a 256 <"$1" | cut -c 1-64
    else openssl dgst -sha256 <"$1" | sed 's/^.*= *//'; fi
}

evidence() { # STAGE: the files, below models/MODEL, that say what it gave
    made=project/${top}_prj/solution1
    echo "runs/$1.log"
    case $1 in
        csynth) find "$made/syn/report" -type f \( -name '*.rpt' -o -name '*.xml' -o -name '*.log' \) ;;
        cosim) find "$made/sim/report" -type f \( -name '*.rpt' -o -name '*.xml' -o -name '*.log' \)
            find project/tb_data "$made/sim" -type f -name rtl_cosim_results.log ;;
        vsynth) find project/vivado_synth.rpt -type f ;;
        export) find "$made" -type f -name '*.zip' ;;
    esac 2>/dev/null
}

write_sums() { # STAGE STATUS: what its files are now, in runs/STAGE.sums
    (   cd "$dir" || exit 10
        {   echo "design=$design"
            echo "$(sha256 "$2")  runs/$1.status"
            evidence "$1" | grep -v '[^A-Za-z0-9._@+=~,#%/-]' | LC_ALL=C sort -u | while IFS= read -r file; do
                echo "$(sha256 "$file")  $file"
            done
        } > "runs/$1.sums.partial" && mv "runs/$1.sums.partial" "runs/$1.sums"
    )
}

sums_hold() { # STAGE: whether its files are still those that it left
    ( cd "$dir" 2>/dev/null && [ -f "runs/$1.sums" ] && sed 1d "runs/$1.sums" | {
        while read -r sum file; do [ -f "$file" ] && [ "$(sha256 "$file")" = "$sum" ] || exit 1; done; } )
}

options() { # STAGE: the switches of hls4ml's build_prj.tcl, name=value
    reset=0; synth=0; cosim=0; export=0
    case $1 in csynth) reset=1; synth=1 ;; cosim) cosim=1 ;; export) export=1 ;; esac
    echo "reset=$reset csim=0 synth=$synth cosim=$cosim validation=0 export=$export vsynth=0 fifo_opt=0"
}

run_stage() { # MODEL STAGE
    dir=$here/models/$1
    info=$dir/target
    kind=$(value "$info" tool); top=$(value "$info" top); design=$(value "$info" design)
    status=$dir/runs/$2.status
    if [ -f "$status" ] && [ "$(value "$status" outcome)" = done ] && [ "$(value "$status" design)" = "$design" ]; then
        echo "$1: $2 was done before"; return 0
    fi
    # What follows C synthesis goes on with its project, which another release does not read.
    begun=
    [ "$2" = csynth ] || begun=$(release "$(value "$dir/runs/csynth.status" version)")
    find_tools "$kind" "$begun"
    case $2 in
        vsynth) tool=$viv; wanted=vivado ;;
        *) tool=$hls; wanted="vitis-run or vitis_hls"; [ "$kind" != vivado ] || wanted=vivado_hls ;;
    esac
    if [ -z "$tool" ]; then
        there=$(installed "${wanted%% *}" "${wanted##* }" | sort -u | tr '\n' ' ')
        why=${begun:+ of the release $begun, which C synthesis was done with,}
        echo "$1: $2: $wanted$why was not found${there:+ (there is $there)}: put it on PATH, or set" \
            "SETTINGS=/path/to/settings64.sh" >&2
        return 7
    fi
    # hls4ml's script calls vivado by name, and so does the HLS tool.
    [ -z "$viv" ] || PATH=$(dirname "$viv"):$PATH
    [ -z "$hls" ] || PATH=$(dirname "$hls"):$PATH
    export PATH
    mkdir -p "$dir/runs" || return 10
    cd "$dir/project" || return 10
    # What an earlier run left is never taken for a result.
    case $2 in
        csynth) rm -rf "${top}_prj" vivado_synth.rpt tb_data/rtl_cosim_results.log "$dir"/runs/*.status \
            "$dir"/runs/*.sums ;;
        cosim) rm -rf "${top}_prj/solution1/sim" tb_data/rtl_cosim_results.log ;;
        vsynth) rm -f vivado_synth.rpt ;;
        export) rm -rf "${top}_prj/solution1/impl" ;;
    esac
    rm -f "$status" "$dir/runs/$2.sums"
    # A later stage may write an earlier one's reports again; what somebody else changed is not summed anew.
    intact=
    for earlier in csynth cosim vsynth export; do sums_hold "$earlier" && intact="$intact $earlier"; done
    log=$dir/runs/$2.log
    case $2 in
        vsynth) set -- "$1" "$2" "$tool" -mode batch -nojournal -source vivado_synth.tcl ;;
        *)  if [ "$(basename "$tool")" = vitis-run ]; then set -- "$1" "$2" "$tool" --mode hls --tcl build_prj.tcl
            else set -- "$1" "$2" "$tool" -f build_prj.tcl; fi
            if grep -q build_opt.tcl build_prj.tcl; then
                { echo "array set opt {"; for word in $(options "$2"); do echo "    ${word%=*} ${word#*=}"; done; echo "}"; } \
                    > build_opt.tcl
            else set -- "$@" "$(options "$2")"; fi ;;
    esac
    model=$1; stage=$2; shift 2
    [ -z "$limit" ] || ! command -v timeout >/dev/null 2>&1 || set -- timeout -k 10 "$limit" "$@"
    echo "$model: $stage: $*"
    begin=$(date +%s)
    "$@" >"$log" 2>&1 </dev/null
    code=$?
    cd "$here" || return 10
    outcome=failed
    case $stage in
        csynth) grep -q 'C/RTL SYNTHESIS COMPLETED IN' "$log" && outcome=done ;;
        cosim) grep -q 'C/RTL SIMULATION COMPLETED IN' "$log" && outcome=done ;;
        export) grep -q 'EXPORT IP COMPLETED IN' "$log" && outcome=done ;;
        vsynth) [ -s "$dir/project/vivado_synth.rpt" ] && outcome=done ;;
    esac
    {   echo "stage=$stage"; echo "outcome=$outcome"; echo "exit=$code"; echo "seconds=$(($(date +%s) - begin))"
        echo "tool=$(basename "$tool")"; echo "version=$(tool_version "$tool")"; echo "design=$design"
    } > "$status.partial" || return 10
    write_sums "$stage" "$status.partial" && mv "$status.partial" "$status" || return 10
    for earlier in $intact; do write_sums "$earlier" "runs/$earlier.status"; done
    echo "$model: $stage: $outcome (exit code $code, log: $log)"
    [ "$outcome" = done ]
}

if [ -n "$show" ]; then
    for model in $models; do show_tools "$model"; done
    exit 0
fi
if [ -n "$one" ]; then
    for model in $models; do
        for stage in csynth cosim vsynth export; do
            case ",$stages,csynth," in *",$stage,"*) run_stage "$model" "$stage" || exit $? ;; esac
        done
    done
    exit 0
fi

if ! command -v sha256sum >/dev/null 2>&1 && ! command -v shasum >/dev/null 2>&1 && ! command -v openssl >/dev/null 2>&1
then
    echo "run.sh: neither sha256sum, shasum nor openssl was found: without one no result can be brought back" >&2; exit 7
fi
while read -r sum file; do
    [ -f "$file" ] && [ "$(sha256 "$file")" = "$sum" ] || {
        echo "run.sh: files of this archive were changed or are missing: $file" >&2; exit 9; }
done < SHA256SUMS
for model in $models; do
    [ -d "models/$model" ] || { echo "run.sh: no model '$model'; there are: $(ls models | tr '\n' ' ')" >&2; exit 2; }
done
set -- --one --stages "$stages"
[ -z "$limit" ] || set -- "$@" --timeout "$limit"
failed=0
# A failed model stops no other. xargs -P is not POSIX, but every Linux that AMD's tools run on has it.
if [ "$jobs" -gt 1 ]; then
    for model in $models; do echo "$model"; done | xargs -n 1 -P "$jobs" sh "$here/run.sh" "$@" || failed=1
else
    for model in $models; do sh "$here/run.sh" "$@" "$model" || failed=1; done
fi
find manifest.json models -type f \( -name '*.rpt' -o -name '*.xml' -o -name '*.log' -o -name '*.status' -o -name '*.sums' \
    -o -name target \
    -o -name manifest.json -o -name '*.zip' -o -path '*/project/firmware/*' -o -path '*/project/tb_data/*' \
    -o -path '*/project/*.tcl' -o -path '*/project/*.cpp' -o -path '*/project/*.yml' -o -path '*/syn/verilog/*' \) \
    ! -path '*/.autopilot/*' ! -path '*/sim/verilog/*' ! -path '*/sim/wrapc*' ! -path '*/.*' \
    ! -path "*$_odd*" > .results.list
tar -czf results.tar.gz.partial -T .results.list && mv results.tar.gz.partial results.tar.gz && rm -f .results.list \
    || { echo "run.sh: results.tar.gz cannot be written" >&2; exit 10; }
echo "results: $here/results.tar.gz   (bring it back:  hlsflow import results.tar.gz)"
[ "$failed" = 0 ] || { echo "run.sh: some stages failed; see the logs in models/*/runs. Run it again to go on." >&2; exit 7; }
