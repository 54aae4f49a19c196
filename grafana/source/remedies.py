"""The steps of the troubleshooting board, by problem; the paths are those of Commvault's two consoles."""

FULL = """
**Space is lost to pruning more often than to growth: buy last.**

1. **Pruning blocked?** MediaAgents and mount paths online: Command Center > *Manage > Infrastructure > MediaAgents > Check readiness*; \
CommCell Console > *Storage Resources > Libraries > the mount path > Properties*. *Free space returns within a day.*
2. **Pruning switched off?** CommCell Console > *Storage Resources > Deduplication Engines > the engine > the DDB > Properties > Allow pruning*.
3. **Cycles or fulls hold data back?** Command Center > *Manage > Plans > the plan > Backup destinations > the copy > Retention*. \
*Jobs age at the next data aging; their space returns after pruning.*
4. **A window in the way?** CommCell Console > *Control Panel > Operation Window*.
5. **Veeam:** *History > System > Retention*; *Home > the backup > Properties*, for what is kept and immutable.
6. **Only growth is left:** move what writes to it, or order (Capacity / Forecast and procurement).
"""

NOT_FREEING = """
**Aging only marks; pruning deletes. It fails without a failed job.**

1. **MediaAgents of the pool:** Command Center > *Manage > Infrastructure > MediaAgents > Check readiness*; on the host `commvault list`.
2. **Mount paths:** CommCell Console > *Storage Resources > Libraries > the library > the mount path > Properties*: online, not read-only.
3. **DDB:** *Storage Resources > Deduplication Engines > the engine > the DDB > Properties*: active, *Allow pruning* on, and space verified lately. \
A sealed DDB frees its blocks only when its last job has aged: leave it.
4. **Windows:** *Control Panel > Operation Window*: at least a few hours a day without.
5. **Nothing aged?** Then there is nothing to prune: see *Data ages too slowly*.
6. **WORM, immutable, managed disk space:** they wait on purpose.

*Pending deletes fall within hours; free space follows within a day or two.*
"""

NOT_AGING = """
1. **Licence:** Command Center > *Manage > License*.
2. **Its last job:** Command Center > *Jobs > Job history > Operation Data Aging*: the reason is in the job. Error 32:465 is a missing permission.
3. **Is it scheduled?** CommCell Console > *the CommServe > Properties > Activity Control*; *Policies > Schedule Policies > System Created for Data Aging*.
4. **Run it:** CommCell Console > *the CommServe > All Tasks > Run Data Aging*. *It ends within minutes to an hour.*
"""

SLOW = """
**A job ages when its days AND its cycles are over, and only with its whole cycle.**

1. **Fulls that fail** keep cycles open: Command Center > *Jobs > Job history > Failed*, backup type full. Mend these before any rule.
2. **Aging disabled on a copy:** *Manage > Plans > the plan > Backup destinations > the copy > Enable data aging*.
3. **Too many cycles:** *... the copy > Retention*: one cycle where the days are few. *Data ages up to a cycle sooner, at the next data aging.*
4. **Fulls too rare for the days:** *Manage > Plans > the plan > RPO > Full backup schedule*.
5. **Jobs not copied yet** are kept: run the auxiliary copy.
6. **Infinite and extended rules** keep on purpose: ask who wanted them.
"""
