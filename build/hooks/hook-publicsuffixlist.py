"""publicsuffixlist reads its list from a file beside it; its tests and updater stay out."""

from PyInstaller.utils.hooks import collect_data_files

datas = collect_data_files("publicsuffixlist", includes=["*.dat"])
