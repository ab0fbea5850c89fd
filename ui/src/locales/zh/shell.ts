import type { Translation } from '../catalogue'
import type english from '../en/shell'

export default {
  skip: '跳到正文',
  navigation: '页面',
  openNavigation: '打开菜单',
  search: '搜索',
  searchHint: '页面、账号、密钥、操作…',
  nothingFound: '没有找到',
  language: '语言',
  theme: '外观',
  themeLight: '浅色',
  themeDark: '深色',
  themeAuto: '跟随系统',
  signOut: '退出登录',
  signingOut: '正在退出…',
  signOutFailed: '退出失败，您仍处于登录状态。',
  preferences: '外观与语言',
  groupPages: '页面',
  groupActions: '操作',
  connected: '已连接',
  lost: '网关没有响应',
  lostHint: '正在自动重试。您输入的内容不会丢失。',
  tryNow: '立即重试',
  setUp: '继续设置',
  page: {
    overview: '概览',
    accounts: '账号',
    keys: 'API 密钥',
    usage: '用量',
    requests: '请求',
  },
} satisfies Translation<typeof english>
