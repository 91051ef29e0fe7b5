/** What nft(8) knows about tables. */
import { run } from './exec.js'

/** Names of the tables of family ip; installed false when there is no nft, or no nftables in the kernel. */
export async function readNftTables(): Promise<{ installed: boolean; ipTables: string[] }> {
  const ran = await run(['nft', '-j', 'list', 'tables'])
  if (ran.missing) return { installed: false, ipTables: [] }
  if (ran.exit !== 0) return { installed: true, ipTables: [] }
  const { nftables = [] } = JSON.parse(ran.stdout) as { nftables?: { table?: { family: string; name: string } }[] }
  return { installed: true, ipTables: nftables.flatMap(o => (o.table?.family === 'ip' ? [o.table.name] : [])) }
}
