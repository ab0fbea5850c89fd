import type { Translation } from '../catalogue'
import type english from '../en/session'

export default {
  title: '登录',
  subtitle: '请输入此网关的管理密钥。',
  adminKey: '管理密钥',
  submit: '登录',
  hint: '网关首次启动时会打印该密钥，也可能由 auth.admin_key 设置。下面的命令可以重新生成：',
  required: '请输入管理密钥。',
  wrongKey: '管理密钥不正确',
  wrongKeyHint: '请检查是否完整复制。',
  slow: '多次输错之后，网关会放慢响应。',
  slowDown: '来自此地址的错误密钥过多',
  slowDownHint_other: '请在 {{count}} 秒后重试。',
  notAllowed: '管理页面不对此地址开放',
  notAllowedHint: '网关的说明：',
  away: '网关没有响应',
  awayHint: '它可能已停止或正在重启。本页会自动重试。',
  failed: '登录失败',
  linkChecking: '正在通过链接登录…',
  linkUsed: '此链接已失效',
  linkUsedHint:
    '链接只能使用一次，十分钟内有效。请使用管理密钥，或用 --open 启动网关以获取新链接。',
  expired: '会话已结束',
  expiredHint: '请重新登录以继续；您输入的内容仍然保留。',
} satisfies Translation<typeof english>
