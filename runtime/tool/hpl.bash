# SPDX-License-Identifier: Apache-2.0
# bash completion for hpl: nouns, then what hpl-NOUN's own completion (the file beside this one) says

_hpl_nouns()
{
	local dir file own
	own=$(type -P hpl)
	local IFS=:
	for dir in "${own%/*}" $PATH; do
		for file in "$dir"/hpl-*; do
			[[ -x $file && -f $file ]] && printf '%s\n' "${file##*/hpl-}"
		done
	done
}

_hpl()
{
	local noun=${COMP_WORDS[1]} here=${BASH_SOURCE[0]%/*}
	if ((COMP_CWORD == 1)); then
		mapfile -t COMPREPLY < <(compgen -W "$(_hpl_nouns | sort -u) help --version" -- "$noun")
		return
	fi
	if [[ $noun == help ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_hpl_nouns | sort -u)" -- "${COMP_WORDS[2]}")
		return
	fi
	[[ $noun =~ ^[a-z][a-z-]*$ ]] || return
	if ! declare -F "_hpl_${noun//-/_}" >/dev/null; then
		[[ -r $here/hpl-$noun.bash ]] || return
		# shellcheck disable=SC1090
		. "$here/hpl-$noun.bash"
	fi
	"_hpl_${noun//-/_}" 1
}
complete -F _hpl hpl
